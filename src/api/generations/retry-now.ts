import type { GenerationRecord, GenerationRef } from '../../db';
import type { ApiContext } from '../context';
import { findUnfinished, taken } from './find-unfinished';
import { HttpProblem } from '../http/http-problem';

/**
 * Makes the waiting slots of a job try again at once, and has every provider that is down asked whether it is back: their
 * slots send nothing before it answers.
 *
 * @throws HttpProblem 404 for an unknown job, 409 when no slot waits, 503 when nobody answers
 */
export async function retryNow(
  context: ApiContext,
  generation: GenerationRef,
): Promise<{ record: GenerationRecord; slots: number[] }> {
  const record = await findUnfinished(context, generation);
  const nothingWaits = new HttpProblem(409, 'nothing_waits', 'No slot of the job waits for a provider now.');
  const { slots } = taken(await context.temporal.retryNow(record.workflowId), nothingWaits);
  if (slots.length === 0) throw nothingWaits;
  await probeThoseDown(context);
  return { record, slots };
}

/** The slots are awake by now, so nothing that fails here is worth an error. */
async function probeThoseDown({ providerHealth, temporal, logger }: ApiContext): Promise<void> {
  try {
    const down = (await providerHealth.list()).filter(({ state }) => state === 'down');
    await Promise.all(down.map(({ provider }) => temporal.probeNow(provider)));
  } catch (error) {
    logger.warn({ err: error }, 'providers that are down could not be asked at once');
  }
}
