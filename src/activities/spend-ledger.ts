import { dailyLimitOf, type DailyLimits } from '../domain/daily-limits';
import { roundUsd } from '../domain/round-usd';
import type { ReserveSpendInput, SpendLedger } from './reserve-spend';

/** Where the money that is set aside for a job stands. */
export interface SpendReservations {
  /** Idempotent: `totalUsd` is for the whole job, and no reservation is ever lowered. */
  raise(
    raise: ReserveSpendInput & { dailyLimitUsd?: number | undefined },
  ): Promise<{ granted: true } | { granted: false; spend: { usedUsd: number } }>;
}

/** Callers' daily limits over a store. A job's money counts on the UTC day on which it was accepted. */
export function createSpendLedger(reservations: SpendReservations, limits: DailyLimits): SpendLedger {
  return {
    async reserve(input) {
      const dailyLimitUsd = dailyLimitOf(limits, input.caller);
      const outcome = await reservations.raise({ ...input, dailyLimitUsd });
      if (outcome.granted) return { granted: true };
      const usedUsd = roundUsd(outcome.spend.usedUsd);
      return { granted: false, reason: refusal(input, { limitUsd: dailyLimitUsd ?? 0, usedUsd }) };
    },
  };
}

function refusal(
  { caller, totalUsd }: ReserveSpendInput,
  { limitUsd, usedUsd }: { limitUsd: number; usedUsd: number },
): string {
  return (
    `The daily limit of caller ${caller} is $${String(limitUsd)}, of which $${String(usedUsd)} are used or set aside by other jobs; ` +
    `this job would need $${String(totalUsd)} in all.`
  );
}
