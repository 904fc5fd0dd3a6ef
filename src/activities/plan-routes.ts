import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { GenerationInput } from '../domain/generation';
import type { GenerationPlan } from '../domain/plan';
import { planGeneration, RequestRefused } from '../registry';
import type { RoutingContext } from '../registry/types';

/** Chooses every slot's endpoints from the registry; the plan then stands in history, whatever the registry becomes. */
export function createPlanRoutes(routing: RoutingContext) {
  return function planRoutes({ generationId, flowRequest }: GenerationInput): Promise<GenerationPlan> {
    try {
      return Promise.resolve(planGeneration(flowRequest, routing, { fallbackSeed: seedFrom(generationId) }));
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      throw ApplicationFailure.nonRetryable(error.message, 'request_refused', error.issues);
    }
  };
}

/** The same in every attempt, different for every generation. */
function seedFrom(generationId: string): number {
  return createHash('sha256').update(generationId).digest().readUInt32BE(0);
}
