import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { GenerationInput } from '../domain/generation';
import type { GenerationPlan } from '../domain/plan';
import { planGeneration, RequestRefused } from '../registry';
import type { RoutingContext } from '../registry/types';
import { withMeasuredLatencies, type CallLatencies } from './call-latencies';
import { findEarlierSet, type StoredGenerations } from './earlier-set';
import type { FindReusable } from './reusable-pictures';

/** Chooses every slot's endpoints from the registry; the plan then stands in history, whatever the registry becomes. */
export function createPlanRoutes(
  routing: RoutingContext,
  findReusable: FindReusable,
  { latencies, generations }: { latencies: CallLatencies; generations: StoredGenerations },
) {
  return async function planRoutes(input: GenerationInput): Promise<GenerationPlan> {
    const { reuse, hedge } = input.flowRequest.request;
    let plan = planOf(input, routing);
    if (reuse) plan = await withReusable(plan, findReusable);
    // Without them the registry's guess is good enough.
    if (hedge) plan = await withMeasuredLatencies(plan, latencies).catch(() => plan);
    if (input.lineage === undefined) return plan;
    return heldToEngine({ ...plan, set: await findEarlierSet(generations, input.lineage) });
  };
}

function planOf(
  { generationId, flowRequest, lineage }: GenerationInput,
  routing: RoutingContext,
): GenerationPlan {
  const options = { fallbackSeed: seedFrom(generationId), onlySlot: lineage?.slot };
  try {
    return planGeneration(flowRequest, routing, options);
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    throw ApplicationFailure.nonRetryable(error.message, 'request_refused', error.issues);
  }
}

async function withReusable(plan: GenerationPlan, findReusable: FindReusable): Promise<GenerationPlan> {
  const slots = plan.slots.map(async (slot) => ({ ...slot, reusable: await findReusable(slot) }));
  return { ...plan, slots: await Promise.all(slots) };
}

/** @throws ApplicationFailure `request_refused` where a set that must not mix engines has lost its own. */
function heldToEngine(plan: GenerationPlan): GenerationPlan {
  const engine = plan.rules.coherence === 'required' ? plan.set?.engine : undefined;
  const candidates = plan.slots.flatMap((slot) => slot.candidates);
  if (engine === undefined || candidates.some(({ endpoint }) => endpoint === engine)) return plan;
  const message = `coherence: the set is made by ${engine}, which cannot be asked any more; start a new set`;
  throw ApplicationFailure.nonRetryable(message, 'request_refused');
}

/** The same in every attempt, different for every generation. */
function seedFrom(generationId: string): number {
  return createHash('sha256').update(generationId).digest().readUInt32BE(0);
}
