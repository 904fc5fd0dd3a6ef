import { ApplicationFailure } from '@temporalio/common';
import { resumeAttempts, type GenerateMediaFailure } from '../domain/dispatch';
import type { AttemptRecord } from '../domain/generation';
import type { ExecutionPolicy, PlannedCandidate } from '../domain/plan';
import type { DispatchCertainty, FailureClass } from '../domain/taxonomy';
import { ProviderError } from '../providers/errors';
import type { AttemptLog } from './attempt-log';

const classesWorthAnotherTry: readonly FailureClass[] = ['transient', 'capacity', 'corrupt'];

/** Anything thrown inside a provider call, as one `ProviderError`. */
export function asProviderError(
  error: unknown,
  provider: ProviderError['provider'],
  certainty: DispatchCertainty,
): ProviderError {
  if (error instanceof ProviderError) return error;
  return new ProviderError('The worker failed while it handled this call.', {
    provider,
    failureClass: 'transient',
    code: 'internal_error',
    certainty,
    cause: error,
  });
}

/**
 * The one translation of a provider's failure for Temporal: the type is the failure class, the first detail a
 * {@link GenerateMediaFailure}. Retryable where the same provider may still succeed.
 */
export function toApplicationFailure(
  error: ProviderError,
  candidate: PlannedCandidate,
  { trail, resumes, handle }: Pick<AttemptLog, 'trail' | 'resumes' | 'handle'>,
): ApplicationFailure {
  const detail: GenerateMediaFailure = {
    failureClass: error.failureClass,
    code: error.code,
    message: error.message,
    certainty: error.certainty,
    handle: error.resumable ? handle : undefined,
    retryAfterSeconds: error.retryAfterMs === undefined ? undefined : error.retryAfterMs / 1000,
    trail,
  };
  const retryable = mayRetryHere(error, candidate.policy, trail, resumes);
  return ApplicationFailure.create({
    message: `${candidate.provider} ${candidate.endpoint}: ${error.message}`,
    type: error.failureClass,
    nonRetryable: !retryable,
    details: [detail],
    ...(retryable && error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
  });
}

/** Another provider is better than a long wait, and than the same broken answer or silence for the third time. */
function mayRetryHere(
  error: ProviderError,
  { retry }: ExecutionPolicy,
  trail: AttemptRecord[],
  resumes: number,
): boolean {
  // The job is accepted, and paid for elsewhere as well as soon as we turn to another provider.
  if (error.resumable) return resumes <= resumeAttempts;
  if (trail.length - resumes >= retry.maximumAttempts) return false;
  if (!classesWorthAnotherTry.includes(error.failureClass)) return false;
  // The queue did not move for its whole time limit; the same queue would only take as long again.
  if (error.code === 'queue_timeout') return false;
  if ((error.retryAfterMs ?? 0) > retry.maximumSeconds * 1000) return false;
  const repeats = trail.filter(({ errorClass, errorCode }) =>
    error.failureClass === 'corrupt' ? errorClass === 'corrupt' : errorCode === 'deadline_exceeded',
  );
  return repeats.length < 2;
}
