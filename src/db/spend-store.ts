import type { Transaction } from 'kysely';
import { roundUsd } from '../domain/round-usd';
import { dailySpend, lockSpend, type DailySpend } from './daily-spend';
import type { Database } from './database';
import type { DatabaseSchema } from './schema';

/** A job that needs more than was set aside for it. */
export interface ReservationRaise {
  generationId: string;
  caller: string;
  /** USD for the whole job, what it has cost so far included. */
  totalUsd: number;
  /** What the caller may spend a day; absent: no limit. */
  dailyLimitUsd?: number | undefined;
}

/** Refused with what the caller's other jobs use. */
export type RaiseOutcome = { granted: true } | { granted: false; spend: DailySpend };

export interface SpendStore {
  /** The caller's spend of the UTC day that it is now. */
  today(caller: string): Promise<DailySpend>;
  /** Sets a job's reservation to `totalUsd` where the limit of its day allows it. Idempotent; never lowers one. */
  raise(raise: ReservationRaise): Promise<RaiseOutcome>;
}

export function createSpendStore(db: Database): SpendStore {
  return {
    today: (caller) => dailySpend(db, caller),
    raise: (raise) => db.transaction().execute((transaction) => raiseReservation(transaction, raise)),
  };
}

async function raiseReservation(
  transaction: Transaction<DatabaseSchema>,
  { generationId, caller, totalUsd, dailyLimitUsd }: ReservationRaise,
): Promise<RaiseOutcome> {
  await lockSpend(transaction, caller);
  const job = await transaction
    .selectFrom('generations')
    .select(['reserved_usd', 'cost_usd', 'at_risk_usd', 'created_at'])
    .where('id', '=', generationId)
    .executeTakeFirst();
  if (job !== undefined && job.reserved_usd >= totalUsd) return { granted: true };
  if (dailyLimitUsd !== undefined) {
    const counted = job === undefined ? 0 : Math.max(job.reserved_usd, job.cost_usd + job.at_risk_usd);
    const spend = await dailySpend(transaction, caller, job?.created_at);
    const othersUsd = spend.usedUsd - counted;
    if (roundUsd(othersUsd + totalUsd) > dailyLimitUsd) {
      return { granted: false, spend: { ...spend, usedUsd: roundUsd(othersUsd) } };
    }
  }
  await transaction
    .updateTable('generations')
    .set({ reserved_usd: totalUsd })
    .where('id', '=', generationId)
    .execute();
  return { granted: true };
}
