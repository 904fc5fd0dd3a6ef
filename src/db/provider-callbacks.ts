import type { ProviderName } from '../domain/taxonomy';
import type { Database } from './database';

export interface ProviderCallback {
  jobKey: string;
  requestId: string;
  /** In the provider's words, such as `OK` or `ERROR`. */
  status: string;
  /** ISO 8601; when the provider signed it. */
  signedAt: string;
}

export interface ProviderCallbackStore {
  /**
   * Keeps what a call-back told. The provider's repeats change nothing but the date.
   *
   * @returns false for a replay: one that is not newer than what is stored, or names another job for a known request.
   */
  record(callback: ProviderCallback): Promise<boolean>;
  /** Keeps that a request is a job, as the answer to its submit said. Changes nothing that is known already. */
  claim(requestId: string, jobKey: string): Promise<void>;
  /**
   * The request that was told for a job, and since when it is known (ISO 8601): from the answer to its submit on, or from
   * its call-back. The first one, should there be several.
   */
  lookUp(jobKey: string): Promise<{ requestId: string; knownSince: string } | undefined>;
  /** Which of these requests belong to other jobs, as call-backs or the trails of finished calls say. */
  takenByOthers(requestIds: readonly string[], jobKey: string): Promise<string[]>;
}

/** Call-backs of one provider. */
export function createProviderCallbackStore(db: Database, provider: ProviderName): ProviderCallbackStore {
  return {
    async record({ jobKey, requestId, status, signedAt }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('provider_callbacks')
        .values({ provider, request_id: requestId, job_key: jobKey, status, signed_at: signedAt })
        .onConflict((conflict) =>
          conflict
            .columns(['provider', 'request_id'])
            .doUpdateSet({ status, signed_at: signedAt })
            .where('provider_callbacks.job_key', '=', jobKey)
            .where('provider_callbacks.signed_at', '<', signedAt),
        )
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },

    async claim(requestId, jobKey) {
      await db
        .insertInto('provider_callbacks')
        .values({
          ...{ provider, request_id: requestId, job_key: jobKey, status: 'SUBMITTED' },
          signed_at: new Date(0).toISOString(),
        })
        .onConflict((conflict) => conflict.columns(['provider', 'request_id']).doNothing())
        .execute();
    },

    async lookUp(jobKey) {
      const row = await db
        .selectFrom('provider_callbacks')
        .select(['request_id', 'received_at'])
        .where('provider', '=', provider)
        .where('job_key', '=', jobKey)
        .orderBy('received_at')
        .limit(1)
        .executeTakeFirst();
      return row && { requestId: row.request_id, knownSince: row.received_at };
    },

    async takenByOthers(requestIds, jobKey) {
      if (requestIds.length === 0) return [];
      const told = db
        .selectFrom('provider_callbacks')
        .select('request_id')
        .where('provider', '=', provider)
        .where('request_id', 'in', requestIds)
        .where('job_key', '<>', jobKey);
      const finished = db
        .selectFrom('attempts')
        .select((attempt) => attempt.ref('provider_request_id').$notNull().as('request_id'))
        .where('provider', '=', provider)
        .where('provider_request_id', 'in', requestIds)
        .where('job_key', 'is distinct from', jobKey);
      const rows = await told.union(finished).execute();
      return rows.map(({ request_id: id }) => id);
    },
  };
}
