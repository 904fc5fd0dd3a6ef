import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { ReserveSpendResult } from '../../activities/reserve-spend';
import type { PlannedCandidate } from '../../domain/plan';
import { roundUsd } from '../../domain/round-usd';
import { reserveSpend } from '../activity-options';
import { inFlightKey, inFlightOf, type GenerationRun } from './generation-run';
import { remainingSeconds } from '../slot/slot-context';

/**
 * Whether the job may still pay for one more call of this price. What is spent, at risk and in flight counts, and stays
 * below the caller's own limit; what goes beyond the sum set aside at the start is asked for first. Where the answer is
 * no without a reason, the limit could not be read while the job had time.
 */
export async function askToSpend(
  run: GenerationRun,
  slot: number,
  candidate: PlannedCandidate,
): Promise<ReserveSpendResult> {
  const { priceUsd: usd } = candidate;
  const key = inFlightKey(slot, candidate);
  const totalUsd = roundUsd(committedUsd(run) + usd);
  const { maxCostUsd } = run.plan.rules;
  // What runs before a reset may have paid is the caller's money, and was set aside apart.
  const jobUsd = roundUsd(totalUsd + run.forgottenUsd);
  if (maxCostUsd !== undefined && jobUsd > maxCostUsd) {
    const reason = `One more call ($${String(usd)}) would bring this job to $${String(jobUsd)}, above its maxCostUsd of $${String(maxCostUsd)}.`;
    return { granted: false, reason };
  }
  // Before the answer comes: another slot may ask meanwhile.
  run.inFlight.set(key, inFlightOf(slot, candidate));
  if (totalUsd <= run.reservedUsd) return { granted: true };
  const answer = await reserve(run, totalUsd);
  if (answer.granted) run.reservedUsd = Math.max(run.reservedUsd, totalUsd);
  else run.inFlight.delete(key);
  return answer;
}

async function reserve(run: GenerationRun, totalUsd: number): Promise<ReserveSpendResult> {
  const { generationId, caller } = run.input;
  try {
    return await reserveSpend({ generationId, caller, totalUsd }, remainingSeconds({ run }));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { granted: false };
  }
}

/** Spent, perhaps spent, and about to be spent. */
function committedUsd({ state, inFlight }: GenerationRun): number {
  const booked = state.slots.reduce((sum, { costUsd, atRiskUsd }) => sum + costUsd + atRiskUsd, 0);
  return [...inFlight.values()].reduce((sum, { priceUsd }) => sum + priceUsd, booked);
}
