import { sql, type Kysely } from 'kysely';
import type { DatabaseSchema } from './schema';

/** What a caller's jobs of one UTC day have cost, and may still cost. USD. */
export interface DailySpend {
  /** Known or estimated costs. */
  costUsd: number;
  /** Perhaps paid, with nothing to show for it. */
  atRiskUsd: number;
  /** Set aside for jobs that still run, beyond what they have cost so far. */
  reservedUsd: number;
  /** All of these together: what counts against the limit. */
  usedUsd: number;
  /** ISO 8601; when the next day begins. */
  resetsAt: string;
  /** Until then, by the clock of the database. */
  resetsInSeconds: number;
}

/**
 * Reads one day's spend: that of the day of `at`, today's when left out. A job belongs to the day it was accepted.
 * Inside a transaction that goes on to spend, take `lockSpend` first.
 */
export async function dailySpend(
  db: Kysely<DatabaseSchema>,
  caller: string,
  at?: string,
): Promise<DailySpend> {
  const dayStart = sql<string>`date_trunc('day', coalesce(${at ?? null}::timestamptz, now()), 'UTC')`;
  const dayEnd = sql<string>`${dayStart} + interval '24 hours'`;
  const reserved = sql<number>`sum(greatest(reserved_usd - cost_usd - at_risk_usd, 0))
    filter (where status in ('accepted', 'running'))`;
  const row = await db
    .selectFrom('generations')
    .select([
      sql<number>`coalesce(sum(cost_usd), 0)`.as('cost'),
      sql<number>`coalesce(sum(at_risk_usd + forgotten_usd), 0)`.as('at_risk'),
      sql<number>`coalesce(${reserved}, 0)`.as('reserved'),
      sql<number>`coalesce(sum(cost_usd + at_risk_usd + forgotten_usd), 0) + coalesce(${reserved}, 0)`.as(
        'used',
      ),
      dayEnd.as('resets_at'),
      sql<number>`ceil(extract(epoch from ${dayEnd} - now()))`.as('resets_in'),
    ])
    .where('caller', '=', caller)
    .where('created_at', '>=', dayStart)
    .where('created_at', '<', dayEnd)
    .executeTakeFirstOrThrow();
  return {
    costUsd: row.cost,
    atRiskUsd: row.at_risk,
    reservedUsd: row.reserved,
    usedUsd: row.used,
    resetsAt: row.resets_at,
    resetsInSeconds: row.resets_in,
  };
}

/** Makes everyone who spends for this caller take turns, until the transaction ends. */
export async function lockSpend(transaction: Kysely<DatabaseSchema>, caller: string): Promise<void> {
  await lockName(transaction, `spend/${caller}`);
}

/** Holds a name until the transaction ends; others who want it wait. */
export async function lockName(transaction: Kysely<DatabaseSchema>, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction);
}
