import { sql, type Selectable } from 'kysely';
import type { ParkedCount, ProviderHealthRecord, ProviderPause } from '../domain/provider-health';
import type { ProviderName } from '../domain/taxonomy';
import type { Database } from './database';
import type { ProviderHealthTable } from './schema';

export interface ProviderHealthStore {
  /** Replaces what is known of the provider. Idempotent; a state that began before the stored one changes nothing. */
  record(health: ProviderHealthRecord): Promise<void>;
  /** Changes the number of jobs alone, where there is a state. Idempotent. */
  recordParked(count: ParkedCount): Promise<void>;
  /** Providers that were ever down, by name. */
  list(): Promise<ProviderHealthRecord[]>;
  /** Makes the provider's pause last until then, unless it lasts longer already. */
  pause(pause: ProviderPause): Promise<void>;
  /** Pauses that are not over. */
  pauses(): Promise<ProviderPause[]>;
  /** Jobs with a slot that waits for the provider, as the jobs themselves report. */
  countParkedJobs(): Promise<ReadonlyMap<ProviderName, number>>;
}

/** Health of the providers behind one task queue: emulated and real ones never share a state. */
export function createProviderHealthStore(db: Database, taskQueue: string): ProviderHealthStore {
  return {
    record: (health) => recordHealth(db, taskQueue, health),

    async recordParked({ provider, parkedJobs }) {
      await db
        .updateTable('provider_health')
        .set({ parked_jobs: parkedJobs, updated_at: sql<string>`now()` })
        .where('task_queue', '=', taskQueue)
        .where('provider', '=', provider)
        .execute();
    },

    async list() {
      const rows = await db
        .selectFrom('provider_health')
        .selectAll()
        .where('task_queue', '=', taskQueue)
        .orderBy('provider')
        .execute();
      return rows.map(toHealth);
    },

    async pause({ provider, until }) {
      await db
        .insertInto('provider_pauses')
        .values({ task_queue: taskQueue, provider, until })
        .onConflict((conflict) =>
          conflict
            .columns(['task_queue', 'provider'])
            .doUpdateSet({ until })
            .where('provider_pauses.until', '<', until),
        )
        .execute();
    },

    pauses: () =>
      db
        .selectFrom('provider_pauses')
        .select(['provider', 'until'])
        .where('task_queue', '=', taskQueue)
        .where('until', '>', sql<string>`now()`)
        .execute(),

    countParkedJobs: () => countParkedJobs(db),
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

async function countParkedJobs(db: Database): Promise<ReadonlyMap<ProviderName, number>> {
  const watched = sql<ProviderName>`jsonb_array_elements_text(waiting -> 'watched')`;
  const waits = db
    .selectFrom('slots')
    .select(['generation_id', watched.as('provider')])
    .where('status', '=', 'waiting')
    .distinct()
    .as('waits');
  const rows = await db
    .selectFrom(waits)
    .select(['provider', (select) => select.fn.countAll<number>().as('jobs')])
    .groupBy('provider')
    .execute();
  return new Map(rows.map(({ provider, jobs }) => [provider, jobs]));
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
