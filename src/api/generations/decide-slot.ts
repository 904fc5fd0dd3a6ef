import type { GenerationRecord, GenerationRef } from '../../db';
import type { SlotDecisionInput } from '../../domain/messages';
import type { ApiContext } from '../context';
import { findUnfinished, taken } from './find-unfinished';
import { HttpProblem } from '../http/http-problem';
import { slotNotFound } from '../http/not-found';

/**
 * Decides what becomes of a slot whose submit was lost.
 *
 * @throws HttpProblem 404 for an unknown job or slot, 409 when nothing is to be decided, 503 when nobody answers
 */
export async function decideSlot(
  context: ApiContext,
  generation: GenerationRef,
  decision: SlotDecisionInput,
): Promise<GenerationRecord> {
  const record = await findUnfinished(context, generation);
  const { slot } = decision;
  if (record.slots.length > 0 && !record.slots.some((one) => one.slot === slot)) throw slotNotFound(slot);
  const outcome = await context.temporal.decideSlot(record.workflowId, decision);
  taken(outcome, nothingToDecide(slot));
  return record;
}

function nothingToDecide(slot: number): HttpProblem {
  const message = `slot ${String(slot)} is not in state needs_decision, so there is nothing to decide`;
  return new HttpProblem(409, 'no_decision_needed', `The job took no decision: ${message}.`, {
    errors: [{ field: 'slot', code: 'no_decision_needed', message }],
  });
}
