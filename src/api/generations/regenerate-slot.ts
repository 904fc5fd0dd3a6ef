import type { GenerationRecord, GenerationRef } from '../../db';
import { withSettings, type FlowRequest } from '../../domain/requests';
import type { ApiContext } from '../context';
import { HttpProblem } from '../http/http-problem';
import { generationNotFound, slotNotFound } from '../http/not-found';
import { isFinished, readGeneration } from './read-generation';
import type { StartOrder } from './start-generation';

/** One picture of an earlier generation, to be made anew. */
export interface Regeneration extends GenerationRef {
  /** 1-based. */
  slot: number;
  /** Left out: a new one. */
  seed?: number | undefined;
  /** Left out: that of the earlier job, if it had one. */
  maxCostUsd?: number | undefined;
}

/**
 * The request of that earlier generation, for one slot.
 *
 * @throws HttpProblem 404 for an unknown job or slot, 409 while that slot may still give its picture
 */
export async function regeneratedRequest(
  context: ApiContext,
  regeneration: Regeneration,
): ReturnType<StartOrder['resolve']> {
  const { id, slot } = regeneration;
  const reading = await readGeneration(context, regeneration);
  if (reading === undefined) throw generationNotFound();
  const request = endedSlotRequest(reading.record, slot);
  return { flowRequest: withNewSeed(request, regeneration), lineage: { generationId: id, slot } };
}

function endedSlotRequest({ status, slots, request }: GenerationRecord, number: number): FlowRequest {
  const slot = slots.find((one) => one.slot === number);
  if (slot === undefined && (slots.length > 0 || isFinished(status))) throw slotNotFound(number);
  if (slot?.finishedAt === undefined) throw stillRunning(number);
  if (request !== undefined) return request;
  throw new HttpProblem(
    409,
    'request_lost',
    'What this job was asked for is not on record. Start a new one.',
  );
}

function stillRunning(slot: number): HttpProblem {
  const message = `slot ${String(slot)} may still give its picture: wait for its end, or cancel the job first`;
  return new HttpProblem(409, 'slot_unfinished', `Nothing was started: ${message}.`, {
    errors: [{ field: 'slot', code: 'slot_unfinished', message }],
  });
}

/** A new picture is wanted, so the stored one of the same recipe is of no use. */
function withNewSeed(flowRequest: FlowRequest, { seed, maxCostUsd }: Regeneration): FlowRequest {
  return withSettings(flowRequest, { seed, reuse: false, ...(maxCostUsd !== undefined && { maxCostUsd }) });
}
