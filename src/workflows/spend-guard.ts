import type { PlannedCandidate } from '../domain/plan';
import { roundUsd } from '../domain/round-usd';
import { reserveSpend } from './activity-options';
import { inFlightKey, inFlightOf, type GenerationRun } from './generation-run';

/**
 * Whether the job may still pay for one more call of this price. What is spent, at risk and in flight counts, and stays
 * below the caller's own limit; what goes beyond the sum set aside at the start is asked for first.
 *
 * @returns why not, in words for the caller.
 */
export async function refusesSpending(
  run: GenerationRun,
  slot: number,
  candidate: PlannedCandidate,
): Promise<string | undefined> {
  const { priceUsd: usd } = candidate;
  const key = inFlightKey(slot, candidate);
  const totalUsd = roundUsd(committedUsd(run) + usd);
  const { maxCostUsd } = run.plan.rules;
  if (maxCostUsd !== undefined && totalUsd > maxCostUsd) {
    return `One more call ($${String(usd)}) would bring this job to $${String(totalUsd)}, above its maxCostUsd of $${String(maxCostUsd)}.`;
  }
  // Before the answer comes: another slot may ask meanwhile.
  run.inFlight.set(key, inFlightOf(slot, candidate));
  if (totalUsd <= run.reservedUsd) return undefined;
  const { generationId, caller } = run.input;
  const { granted, reason } = await reserveSpend({ generationId, caller, totalUsd });
  if (granted) {
    run.reservedUsd = Math.max(run.reservedUsd, totalUsd);
    return undefined;
  }
  run.inFlight.delete(key);
  return reason ?? 'The daily limit of this caller is reached.';
}

/** Spent, perhaps spent, and about to be spent. */
function committedUsd({ state, inFlight }: GenerationRun): number {
  const booked = state.slots.reduce((sum, { costUsd, atRiskUsd }) => sum + costUsd + atRiskUsd, 0);
  return [...inFlight.values()].reduce((sum, { priceUsd }) => sum + priceUsd, booked);
}
