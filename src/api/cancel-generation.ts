import type { GenerationRecord } from '../db';
import type { ApiContext } from './context';
import { HttpProblem } from './http-problem';
import { generationNotFound } from './not-found';
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
export async function cancelGeneration(context: ApiContext, id: string): Promise<Cancellation> {
  const record = await context.generations.find(id);
  if (record === undefined) throw generationNotFound();
  if (isFinished(record.status)) return alreadyFinished(record);
  if (await context.temporal.cancel(record.workflowId)) return { record, status: 'cancelling' };
  // Nothing runs: either it has just ended, or it never started.
  const { record: newest } = (await readGeneration(context, id)) ?? { record };
  if (isFinished(newest.status)) return alreadyFinished(newest);
  throw new HttpProblem(409, 'not_started_yet', 'The job is just being started. Try again in a moment.', {
    retryAfterSeconds: 1,
  });
}

function alreadyFinished(record: GenerationRecord): Cancellation {
  if (record.status === 'cancelled') return { record, status: 'cancelled' };
  throw new HttpProblem(409, 'already_finished', `The job has already ended: ${record.status}.`);
}
