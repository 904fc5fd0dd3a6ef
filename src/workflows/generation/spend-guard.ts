import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { ReserveSpendResult } from '../../activities/spend';
import { roundUsd } from '../../domain/round-usd';
import { reserveSpend } from '../activity-options';
import { committedUsd } from '../slot/rules/ledger';
import { remainingSeconds, type GenerationRun } from './generation-run';
import { affords, type Budget } from './rules';

export function budgetOf({ ledgers, plan, reservedUsd, forgottenUsd }: GenerationRun): Budget {
  const committed = [...ledgers.values()].reduce((sum, ledger) => sum + committedUsd(ledger), 0);
  return { committed, forgotten: forgottenUsd, reserved: reservedUsd, limit: plan.rules.maxCostUsd };
}

/** Asks for more. Where the answer is no without a reason, the limit could not be read while the job had time. */
export async function askLimit(run: GenerationRun, priceUsd: number): Promise<ReserveSpendResult> {
  const budget = budgetOf(run);
  if (affords(budget, priceUsd) === 'no') return { granted: false, reason: refusal(budget, priceUsd) };
  const { generationId, caller } = run.input;
  const totalUsd = roundUsd(budget.committed + priceUsd);
  try {
    const answer = await reserveSpend({ generationId, caller, totalUsd }, remainingSeconds(run));
    if (answer.granted) run.reservedUsd = Math.max(run.reservedUsd, totalUsd);
    return answer;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { granted: false };
  }
}

function refusal({ committed, forgotten, limit }: Budget, priceUsd: number): string {
  const jobUsd = roundUsd(committed + forgotten + priceUsd);
  return `One more call ($${String(priceUsd)}) would bring this job to $${String(jobUsd)}, above its maxCostUsd of $${String(limit)}.`;
}
