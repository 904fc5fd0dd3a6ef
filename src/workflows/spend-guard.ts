import { roundUsd } from '../domain/round-usd';
import { reserveSpend } from './activity-options';
import type { GenerationRun } from './generation-run';

/**
 * Whether the job may still pay for one more call of this price. What is spent, at risk and in flight counts, and stays
 * below the caller's own limit; what goes beyond the sum set aside at the start is asked for first.
 *
 * @returns why not, in words for the caller.
 */
export async function refusesSpending(
  run: GenerationRun,
  key: string,
  usd: number,
): Promise<string | undefined> {
  const totalUsd = roundUsd(committedUsd(run) + usd);
  const { maxCostUsd } = run.plan.rules;
  if (maxCostUsd !== undefined && totalUsd > maxCostUsd) {
    return `One more call ($${String(usd)}) would bring this job to $${String(totalUsd)}, above its maxCostUsd of $${String(maxCostUsd)}.`;
  }
  // Before the answer comes: another slot may ask meanwhile.
  run.inFlightUsd.set(key, usd);
  if (totalUsd <= run.reservedUsd) return undefined;
  const { generationId, caller } = run.input;
  const { granted, reason } = await reserveSpend({ generationId, caller, totalUsd });
  if (granted) {
    run.reservedUsd = Math.max(run.reservedUsd, totalUsd);
    return undefined;
  }
  run.inFlightUsd.delete(key);
  return reason ?? 'The daily limit of this caller is reached.';
}

/** Spent, perhaps spent, and about to be spent. */
function committedUsd({ state, inFlightUsd }: GenerationRun): number {
  const booked = state.slots.reduce((sum, { costUsd, atRiskUsd }) => sum + costUsd + atRiskUsd, 0);
  return [...inFlightUsd.values()].reduce((sum, usd) => sum + usd, booked);
}
