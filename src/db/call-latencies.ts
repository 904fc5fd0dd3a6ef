import { sql } from 'kysely';
import { overtakenCode } from '../domain/attempt-record';
import type { Database } from './database';

/** The newest pictures count: an endpoint's speed changes with its hardware and its load. */
const samples = 200;
/** With fewer, one cold start is the whole percentile. */
const fewestSamples = 20;

/** How long the calls in the trails of all generations took. */
export interface CallLatencyStore {
  /**
   * 95th percentile of the endpoint's newest 200 calls that made a picture or were overtaken, in seconds; `undefined`
   * below 20 of them.
   */
  p95Seconds(endpoint: string): Promise<number | undefined>;
}

export function createCallLatencyStore(db: Database): CallLatencyStore {
  return {
    async p95Seconds(endpoint) {
      const newest = db
        .selectFrom('attempts')
        .select('seconds')
        .where('endpoint', '=', endpoint)
        // A call that was overtaken took longer still: left out, each race would make the next one come sooner.
        .where((where) =>
          where.or([where('outcome', '=', 'succeeded'), where('error_code', '=', overtakenCode)]),
        )
        .orderBy('started_at', 'desc')
        .limit(samples)
        .as('newest');
      const row = await db
        .selectFrom(newest)
        .select([
          sql<number | null>`percentile_cont(0.95) within group (order by seconds)`.as('p95'),
          sql<number>`count(*)::integer`.as('count'),
        ])
        .executeTakeFirstOrThrow();
      return row.count >= fewestSamples ? (row.p95 ?? undefined) : undefined;
    },
  };
}
