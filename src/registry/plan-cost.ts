import type { GenerationPlan } from '../domain/plan';
import { roundUsd } from '../domain/round-usd';

/** USD by the price table, for one submit per slot. */
export interface Cost {
  /** At the first candidate. */
  expectedUsd: number;
  /** At the dearest eligible candidate: what is set aside before the first submit. */
  worstUsd: number;
}

export interface PlanCost extends Cost {
  slots: readonly (Cost & { slot: number })[];
}

/** What a plan costs when every slot needs one submit. Lost submits and refills come on top, within the job's limits. */
export function planCost({ slots }: Pick<GenerationPlan, 'slots'>): PlanCost {
  const bySlot = slots.map(({ slot, candidates }) => ({
    slot,
    expectedUsd: roundUsd(candidates[0]?.priceUsd ?? 0),
    worstUsd: roundUsd(Math.max(0, ...candidates.map(({ priceUsd }) => priceUsd))),
  }));
  return {
    expectedUsd: sum(bySlot.map(({ expectedUsd }) => expectedUsd)),
    worstUsd: sum(bySlot.map(({ worstUsd }) => worstUsd)),
    slots: bySlot,
  };
}

function sum(numbers: readonly number[]): number {
  return roundUsd(numbers.reduce((total, number) => total + number, 0));
}
