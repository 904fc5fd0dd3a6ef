import { sql } from 'kysely';
import type { ProviderApp } from '../domain/provider-health';
import type { Database } from './database';

export interface ProviderAppStore {
  /** Replaces what is known of these apps. Idempotent. */
  record(apps: readonly ProviderApp[]): Promise<void>;
  /** Apps that were ever heard of, by name. */
  list(): Promise<ProviderApp[]>;
}

/** Apps of the providers behind one task queue: emulated and real ones are never mixed up. */
export function createProviderAppStore(db: Database, taskQueue: string): ProviderAppStore {
  return {
    async record(apps) {
      if (apps.length === 0) return;
      await db
        .insertInto('provider_apps')
        .values(
          apps.map(({ provider, app, namedJobs }) => ({
            ...{ task_queue: taskQueue, provider, app, named_jobs: namedJobs },
          })),
        )
        .onConflict((conflict) =>
          conflict.columns(['task_queue', 'provider', 'app']).doUpdateSet({
            named_jobs: (table) => table.ref('excluded.named_jobs'),
            told_at: sql<string>`now()`,
          }),
        )
        .execute();
    },

    async list() {
      const rows = await db
        .selectFrom('provider_apps')
        .select(['provider', 'app', 'named_jobs'])
        .where('task_queue', '=', taskQueue)
        .orderBy('app')
        .execute();
      return rows.map(({ provider, app, named_jobs: namedJobs }) => ({ provider, app, namedJobs }));
    },
  };
}
