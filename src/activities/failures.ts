import { ApplicationFailure } from '@temporalio/common';
import type { DispatchState, GenerateMediaFailure } from '../domain/dispatch';
import type { AttemptRecord } from '../domain/attempt-record';
import { outcomeFrom } from '../domain/failures';
import type { ExecutionPolicy, PlannedCandidate } from '../domain/plan';
import { ProviderError } from '../providers/errors';
import type { AttemptLog } from './attempt-log';

/** Anything thrown inside a provider call, as one `ProviderError`. An error of our own says nothing about the job. */
export function asProviderError(
  error: unknown,
  provider: ProviderError['provider'],
  log: Pick<AttemptLog, 'certainty'>,
): ProviderError {
  if (error instanceof ProviderError) return error;
  return new ProviderError('The worker failed while it handled this call.', {
    provider,
    code: 'internal_error',
    outcome: outcomeFrom(log.certainty()),
    cause: error,
  });
}

/** What the workflow is told besides the error itself. */
export interface CallEnd {
  trail: AttemptRecord[];
  /** What the call began with, and a repeated one would begin with again. */
  previous: DispatchState;
  dispatch: DispatchState;
  worker?: string | undefined;
}

/**
 * The one translation of a provider's failure for Temporal: the type is the failure class, the first detail a
 * {@link GenerateMediaFailure}. Retryable where nothing was sent and the same provider may still succeed.
 */
export function toApplicationFailure(
  error: ProviderError,
  candidate: PlannedCandidate,
  end: CallEnd,
): ApplicationFailure {
  const { trail, dispatch, worker } = end;
  const detail: GenerateMediaFailure = {
    code: error.code,
    message: error.message,
    outcome: error.outcome,
    dispatch,
    ...(dispatch.phase === 'intent' && { worker }),
    providerRequestId: error.providerRequestId,
    retryAfterSeconds: error.retryAfterMs === undefined ? undefined : error.retryAfterMs / 1000,
    trail,
  };
  const retryable = mayRetryHere(error, candidate.policy, end);
  return ApplicationFailure.create({
    message: `${candidate.provider} ${candidate.endpoint}: ${error.message}`,
    type: error.failureClass,
    nonRetryable: !retryable,
    details: [detail],
    ...(retryable && error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
  });
}

/** Another provider is better than a long wait. */
function mayRetryHere(
  { outcome, failure, retryAfterMs = 0 }: ProviderError,
  { retry }: ExecutionPolicy,
  { trail, previous, dispatch }: CallEnd,
): boolean {
  if (outcome !== 'nothing_sent' || dispatch.phase !== 'none') return false;
  // It was a look for an earlier submit, and would be the same look again.
  if (previous.phase !== 'none') return false;
  if (failure.askAgain !== 'after_pause' && failure.askAgain !== 'at_once') return false;
  return trail.length < retry.maximumAttempts && retryAfterMs <= retry.maximumSeconds * 1000;
}
