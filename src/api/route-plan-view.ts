import type { GenerationPlan, SlotPlan } from '../domain/plan';
import { roundUsd } from '../domain/round-usd';

/** A plan as callers see it: per slot every candidate in order, with its reason; and the money. */
export function routePlanView({ slots, deadlineSeconds, maxPaidAttempts }: GenerationPlan) {
  const expectedUsd = sum(slots.map(({ candidates }) => candidates[0]?.priceUsd ?? 0));
  return {
    slots: slots.map(({ slot, label, considered }) => ({ slot, label, candidates: considered })),
    estimate: {
      /** Every slot succeeds at its first candidate. */
      expectedUsd: roundUsd(expectedUsd),
      /** Every slot pays its dearest candidate as often as it may. */
      worstCaseUsd: roundUsd(sum(slots.map(dearest)) * maxPaidAttempts),
    },
    deadlineSeconds,
  };
}

function dearest({ candidates }: SlotPlan): number {
  return Math.max(0, ...candidates.map(({ priceUsd }) => priceUsd));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
