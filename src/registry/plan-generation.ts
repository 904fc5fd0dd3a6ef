import type { GenerationPlan } from '../domain/plan';
import type { FlowRequest } from '../domain/requests';
import { planBaseImages } from './planning/plan-base-images';
import { planProfilePictures } from './planning/plan-profile-pictures';
import { planStudio } from './planning/plan-studio';
import type { RoutingContext } from './types';

export interface PlanOptions {
  /** Seed of slot 1 when the request names none; 32 bit. Slot n gets this plus n - 1. */
  fallbackSeed: number;
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
  { fallbackSeed }: PlanOptions,
): GenerationPlan {
  switch (flowRequest.flow) {
    case 'base-images':
      return planBaseImages(flowRequest.request, context, fallbackSeed);
    case 'profile-pictures':
      return planProfilePictures(flowRequest.request, flowRequest.assets, context, fallbackSeed);
    case 'studio':
      return planStudio(flowRequest, context, fallbackSeed);
  }
}
