import type { GenerationRecord } from '../db';
import type { ApiContext } from './context';
import { findUnfinished, taken } from './find-unfinished';
import { HttpProblem } from './http-problem';

/**
 * Makes the waiting slots of a job try again at once.
 *
 * @throws HttpProblem 404 for an unknown job, 409 when no slot waits, 503 when nobody answers
 */
export async function retryNow(
  context: ApiContext,
  id: string,
): Promise<{ record: GenerationRecord; slots: number[] }> {
  const record = await findUnfinished(context, id);
  const nothingWaits = new HttpProblem(409, 'nothing_waits', 'No slot of the job waits for a provider now.');
  const { slots } = taken(await context.temporal.retryNow(record.workflowId), nothingWaits);
  if (slots.length === 0) throw nothingWaits;
  return { record, slots };
}
