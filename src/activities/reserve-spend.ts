import { dailyLimitOf, type DailyLimits } from '../domain/daily-limits';

/** Where a caller's money is counted. */
export interface SpendReservations {
  /** Idempotent: `totalUsd` is for the whole job, and no reservation is ever lowered. */
  raise(raise: {
    generationId: string;
    caller: string;
    totalUsd: number;
    dailyLimitUsd?: number | undefined;
  }): Promise<{ granted: true } | { granted: false; spend: { usedUsd: number; resetsAt: string } }>;
}

export interface ReserveSpendInput {
  generationId: string;
  caller: string;
  /** USD for the whole job, what it has cost so far included. */
  totalUsd: number;
}

export interface ReserveSpendResult {
  granted: boolean;
  /** A sentence for callers, when it is not. */
  reason?: string | undefined;
}

/**
 * Sets more money aside for a running job, before it pays for more than was expected. The job's money counts on the UTC
 * day on which it was accepted.
 */
export function createReserveSpend(spend: SpendReservations, limits: DailyLimits) {
  return async function reserveSpend(input: ReserveSpendInput): Promise<ReserveSpendResult> {
    const dailyLimitUsd = dailyLimitOf(limits, input.caller);
    const outcome = await spend.raise({ ...input, dailyLimitUsd });
    if (outcome.granted) return { granted: true };
    const used = String(outcome.spend.usedUsd);
    return {
      granted: false,
      reason:
        `The daily limit of caller ${input.caller} is ${String(dailyLimitUsd)} USD, of which ${used} are used ` +
        `or set aside; the job would need ${String(input.totalUsd)} in all.`,
    };
  };
}
