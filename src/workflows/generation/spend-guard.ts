import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { ReserveSpendResult } from '../../activities/spend';
import { roundUsd } from '../../domain/round-usd';
import { reserveSpend } from '../activity-options';
import { committedUsd } from '../slot/rules/ledger';
import { remainingSeconds, type GenerationRun } from './generation-run';

/**
 * Whether the job may pay for one more call of this price. What is spent, at risk and in flight counts, and stays below the
 * caller's own limit. `ask`: it goes beyond the sum set aside at the start.
 */
export function affords(run: GenerationRun, priceUsd: number): 'yes' | 'ask' | 'no' {
  if (refusal(run, priceUsd) !== undefined) return 'no';
  return totalUsd(run, priceUsd) <= run.reservedUsd ? 'yes' : 'ask';
}

/** Asks for more. Where the answer is no without a reason, the limit could not be read while the job had time. */
export async function askLimit(run: GenerationRun, priceUsd: number): Promise<ReserveSpendResult> {
  const reason = refusal(run, priceUsd);
  if (reason !== undefined) return { granted: false, reason };
  const { generationId, caller } = run.input;
  const usd = totalUsd(run, priceUsd);
  try {
    const answer = await reserveSpend({ generationId, caller, totalUsd: usd }, remainingSeconds(run));
    if (answer.granted) run.reservedUsd = Math.max(run.reservedUsd, usd);
    return answer;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { granted: false };
  }
}

function refusal(run: GenerationRun, priceUsd: number): string | undefined {
  const { maxCostUsd } = run.plan.rules;
  // What runs before a reset may have paid is the caller's money, and was set aside apart.
  const jobUsd = roundUsd(totalUsd(run, priceUsd) + run.forgottenUsd);
  if (maxCostUsd === undefined || jobUsd <= maxCostUsd) return undefined;
  return `One more call ($${String(priceUsd)}) would bring this job to $${String(jobUsd)}, above its maxCostUsd of $${String(maxCostUsd)}.`;
}

function totalUsd({ ledgers }: GenerationRun, priceUsd: number): number {
  return roundUsd([...ledgers.values()].reduce((sum, ledger) => sum + committedUsd(ledger), priceUsd));
}
