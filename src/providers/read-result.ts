import type { FailureCode } from '../domain/failures';
import type { ProviderError } from './errors';

/** What became of the earlier reads of one finished job. */
export interface ReadBudget {
  /** How often its result came broken before. */
  brokenReads: number;
  /** Puts the new count on record, together with the way back to the job. */
  remember(brokenReads: number): Promise<void>;
  explain(error: unknown): ProviderError;
}

/** Broken twice is broken: the job is over then, and another one has to be paid. */
const mostBrokenReads = 2;

/**
 * Failures that may lie in the result itself. All others (no connection, a body cut off, a gateway's page, a refused key)
 * say nothing about it, and the result can be read however often they happen.
 */
const brokenResults: readonly FailureCode[] = ['media_truncated', 'media_unavailable'];

/**
 * Reads the result of a job that is done and paid.
 *
 * @throws ProviderError that ends the job once the result came broken twice; else what `read` throws.
 */
export async function readResult<Result>(read: () => Promise<Result>, budget: ReadBudget): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const failure = budget.explain(error);
    if (!brokenResults.includes(failure.code)) throw error;
    const brokenReads = budget.brokenReads + 1;
    const isBroken = brokenReads >= mostBrokenReads;
    if (!isBroken) await budget.remember(brokenReads);
    throw failure.with({ outcome: isBroken ? 'gone' : 'still_there' });
  }
}
