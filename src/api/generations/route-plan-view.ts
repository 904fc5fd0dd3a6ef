import type { GenerationPlan } from '../../domain/plan';
import type { FlowRequest } from '../../domain/requests';
import { planCost } from '../../registry';
import { loraView } from './generation-view';

/** A plan as callers see it: per slot every candidate in order, with its reason; and the money. */
export function routePlanView(plan: GenerationPlan, request: FlowRequest) {
  const { slots, rules, deadlineSeconds, maxPaidAttempts } = plan;
  const { expectedUsd, worstUsd, slots: costs } = planCost(plan);
  return {
    slots: slots.map(({ slot, label, considered }, index) => ({
      slot,
      label,
      candidates: considered,
      estimate: { expectedUsd: costs[index]?.expectedUsd ?? 0, worstUsd: costs[index]?.worstUsd ?? 0 },
    })),
    estimate: {
      /** Every slot succeeds at its first candidate. */
      expectedUsd,
      /** Every slot succeeds at its dearest eligible candidate; this much is set aside. */
      worstUsd,
      /** A slot that pays for unusable pictures gives up after as many. */
      maxPaidAttemptsPerSlot: maxPaidAttempts,
      maxCostUsd: rules.maxCostUsd ?? null,
      note:
        'One submit per slot. Unusable pictures, new seeds after them, lost submits and hedging cost more, never ' +
        'above maxCostUsd where it is set, and never above the daily limit of the caller.',
    },
    rules,
    lora: loraView(request),
    deadlineSeconds,
  };
}
