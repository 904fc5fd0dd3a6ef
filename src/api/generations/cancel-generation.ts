import type { GenerationRecord, GenerationRef } from '../../db';
import type { ApiContext } from '../context';
import { alreadyFinished } from './find-unfinished';
import { HttpProblem } from '../http/http-problem';
import { generationNotFound } from '../http/not-found';
import { isFinished, readGeneration } from './read-generation';

export interface Cancellation {
  record: GenerationRecord;
  /** `cancelling`: asked for and under way; `cancelled`: done, also if it was before. */
  status: 'cancelling' | 'cancelled';
}

/**
 * Asks a running generation to stop. May be repeated.
 *
 * @throws HttpProblem 404 for an unknown one, 409 for one that ended otherwise: its pictures are made and paid.
 */
export async function cancelGeneration(
  context: ApiContext,
  generation: GenerationRef,
): Promise<Cancellation> {
  const record = await context.generations.find(generation);
  if (record === undefined) throw generationNotFound();
  if (isFinished(record.status)) return endedBefore(record);
  if (await context.temporal.cancel(record.workflowId)) return { record, status: 'cancelling' };
  // Nothing runs: either it has just ended, or it never started.
  const { record: newest } = (await readGeneration(context, generation)) ?? { record };
  if (isFinished(newest.status)) return endedBefore(newest);
  throw new HttpProblem(409, 'not_started_yet', 'The job is just being started. Try again in a moment.', {
    retryAfterSeconds: 1,
  });
}

function endedBefore(record: GenerationRecord): Cancellation {
  if (record.status === 'cancelled') return { record, status: 'cancelled' };
  throw alreadyFinished(record);
}
