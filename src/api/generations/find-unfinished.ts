import type { GenerationRecord, GenerationRef } from '../../db';
import type { ApiContext } from '../context';
import { HttpProblem } from '../http/http-problem';
import { generationNotFound } from '../http/not-found';
import { isFinished } from './read-generation';
import type { MessageOutcome } from '../temporal/temporal-port';

/** A generation to which something can still be said. @throws HttpProblem 404 for an unknown one, 409 for a finished one */
export async function findUnfinished(
  context: ApiContext,
  generation: GenerationRef,
): Promise<GenerationRecord> {
  const record = await context.generations.find(generation);
  if (record === undefined) throw generationNotFound();
  if (isFinished(record.status)) throw alreadyFinished(record);
  return record;
}

export function alreadyFinished({ status }: Pick<GenerationRecord, 'status'>): HttpProblem {
  return new HttpProblem(409, 'already_finished', `The job has already ended: ${status}.`);
}

/** The result of a message that was taken. @throws HttpProblem `rejection` when it does not fit, 409 or 503 otherwise */
export function taken<Result>(outcome: MessageOutcome<Result>, rejection: HttpProblem): Result {
  switch (outcome.kind) {
    case 'done':
      return outcome.result;
    case 'rejected':
      throw rejection;
    case 'gone':
      throw new HttpProblem(
        409,
        'not_running',
        'The job is not running: it has just ended, or is being started.',
        {
          retryAfterSeconds: 1,
        },
      );
    case 'unanswered':
      throw new HttpProblem(
        503,
        'no_worker_answered',
        'No worker answered in time. It may still take effect: look at the job before you send it again.',
        { retryAfterSeconds: 5 },
      );
  }
}
