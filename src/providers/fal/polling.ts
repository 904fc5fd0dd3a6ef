import { DeadlineExceeded } from '../http/deadlines';
import { ProviderError } from '../errors';
import { TransportError } from '../http/transport-error';

/** Milliseconds before the first status request. */
export const defaultFirstPollPauseMs = 500;
/** Failed status requests in a row before the call gives up (the job can still be picked up by its handle). */
export const maxFailedPolls = 5;

const growth = 1.5;
const longestPauseMs = 5000;
const longestAskedPauseMs = 30_000;

/** Milliseconds to the next status request: growing, or what the provider asked for after a failed one. */
export function nextPollPauseMs(pauseMs: number, failure?: unknown): number {
  const asked = failure instanceof ProviderError ? (failure.retryAfterMs ?? 0) : 0;
  return Math.max(Math.min(pauseMs * growth, longestPauseMs), Math.min(asked, longestAskedPauseMs));
}

/** Whether a failed status request says nothing about the job itself. A refused key stays refused; a lost request is looked up. */
export function isWorthAnotherPoll(error: unknown): boolean {
  if (error instanceof TransportError || error instanceof DeadlineExceeded) return true;
  if (!(error instanceof ProviderError)) return false;
  return error.code !== 'request_lost' && error.status !== 401 && error.status !== 403;
}
