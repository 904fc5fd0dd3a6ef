import { sql, type Selectable } from 'kysely';
import type { ProviderHealthRecord } from '../domain/provider-health';
import type { Database } from './database';
import type { ProviderHealthTable } from './schema';

export interface ProviderHealthStore {
  /** Replaces what is known of the provider. Idempotent; a state that began before the stored one changes nothing. */
  record(health: ProviderHealthRecord): Promise<void>;
  /** Providers that were ever down, by name. */
  list(): Promise<ProviderHealthRecord[]>;
}

/** Health of the providers behind one task queue: emulated and real ones never share a state. */
export function createProviderHealthStore(db: Database, taskQueue: string): ProviderHealthStore {
  return {
    record: (health) => recordHealth(db, taskQueue, health),

    async list() {
      const rows = await db
        .selectFrom('provider_health')
        .selectAll()
        .where('task_queue', '=', taskQueue)
        .orderBy('provider')
        .execute();
      return rows.map(toHealth);
    },
  };
}

async function recordHealth(db: Database, taskQueue: string, health: ProviderHealthRecord): Promise<void> {
  const state = {
    state: health.state,
    since: health.since,
    reason: health.reason ?? null,
    next_probe_at: health.nextProbeAt ?? null,
    parked_jobs: health.parkedJobs ?? null,
  };
  await db
    .insertInto('provider_health')
    .values({ task_queue: taskQueue, provider: health.provider, ...state })
    .onConflict((conflict) =>
      conflict
        .columns(['task_queue', 'provider'])
        .doUpdateSet({ ...state, updated_at: sql<string>`now()` })
        // A write that was held up must not bring an older state back.
        .where('provider_health.since', '<=', health.since),
    )
    .execute();
}

function toHealth(row: Selectable<ProviderHealthTable>): ProviderHealthRecord {
  return {
    provider: row.provider,
    state: row.state,
    since: row.since,
    reason: row.reason ?? undefined,
    nextProbeAt: row.next_probe_at ?? undefined,
    parkedJobs: row.parked_jobs ?? undefined,
  };
}
