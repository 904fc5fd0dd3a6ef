import { dailyLimitOf, type DailyLimits } from '../domain/daily-limits';
import { roundUsd } from '../domain/round-usd';

export interface ReserveSpendInput {
  generationId: string;
  caller: string;
  /** USD for the whole job, not what is added. */
  totalUsd: number;
}

export interface ReserveSpendResult {
  granted: boolean;
  /** Why not, in words for the caller. */
  reason?: string | undefined;
}

/** The callers' daily limits. */
export interface SpendLedger {
  /** Safe to repeat. */
  reserve(input: ReserveSpendInput): Promise<ReserveSpendResult>;
}

/** Asks for more than was set aside for a job. */
export function createReserveSpend(ledger: SpendLedger) {
  return async function reserveSpend(input: ReserveSpendInput): Promise<ReserveSpendResult> {
    return await ledger.reserve(input);
  };
}

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
