import type { GenerationPlan } from '../domain/plan';
import type { FlowRequest } from '../domain/requests';
import { checkJob } from './planning/check-job';
import { planBaseImages } from './planning/plan-base-images';
import { planProfilePictures } from './planning/plan-profile-pictures';
import { planStudio } from './planning/plan-studio';
import { RequestRefused } from './refusal';
import type { RoutingContext } from './types';

export interface PlanOptions {
  /** Seed of slot 1 when the request names none; 32 bit. Slot n gets this plus n - 1. */
  fallbackSeed: number;
  /**
   * Plans this slot alone. It keeps its number, label and prompt; the seed, of the request or else `fallbackSeed`, is
   * its own then.
   */
  onlySlot?: number | undefined;
}

/**
 * The whole plan of one generation: every slot with its candidates in order, complete wire bodies, limits and prices.
 * Pure: the same request, context and seed give the same plan.
 *
 * @throws RequestRefused naming every field that stands in the way, before anything is paid.
 */
export function planGeneration(
  flowRequest: FlowRequest,
  context: RoutingContext,
  { fallbackSeed, onlySlot }: PlanOptions,
): GenerationPlan {
  const seed = flowRequest.request.seed ?? fallbackSeed;
  const plan =
    onlySlot === undefined
      ? planFlow(flowRequest, context, seed)
      : planOneSlot(flowRequest, context, { slot: onlySlot, seed });
  const [first, ...others] = checkJob(plan, flowRequest.request);
  if (first !== undefined) throw new RequestRefused([first, ...others]);
  return plan;
}

function planOneSlot(
  flowRequest: FlowRequest,
  context: RoutingContext,
  { slot, seed }: { slot: number; seed: number },
): GenerationPlan {
  // Slot n of a set gets the set's seed plus n - 1.
  const setSeed = (seed - (slot - 1) + 2 ** 32) % 2 ** 32;
  const plan = planFlow(flowRequest, context, setSeed);
  const slots = plan.slots.filter((one) => one.slot === slot);
  if (slots.length === 0) {
    const message = `the request makes ${String(plan.slots.length)} pictures`;
    throw new RequestRefused([{ field: 'slot', code: 'unknown_slot', message }]);
  }
  return { ...plan, slots, rules: { ...plan.rules, minSuccess: 1 } };
}

function planFlow(flowRequest: FlowRequest, context: RoutingContext, seed: number): GenerationPlan {
  switch (flowRequest.flow) {
    case 'base-images':
      return planBaseImages({ ...flowRequest.request, seed }, context, seed);
    case 'profile-pictures':
      return planProfilePictures({ ...flowRequest.request, seed }, flowRequest.assets, context, seed);
    case 'studio':
      return planStudio({ ...flowRequest, request: { ...flowRequest.request, seed } }, context, seed);
  }
}
