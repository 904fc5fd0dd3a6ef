import { isFindable, type DispatchState, type GenerateMediaFailure } from '../../domain/dispatch';
import type { ExecutionPolicy } from '../../domain/plan';
import { failureOf } from '../../domain/failures';
import { finalFailureClasses } from '../../domain/taxonomy';

/** What follows from a failed call. */
export type Verdict =
  | { kind: 'fail' }
  /** The same candidate, after this many seconds. */
  | { kind: 'again'; afterSeconds: number }
  /** A submit nobody can find out about. */
  | { kind: 'unknown' }
  /** An accepted job whose provider answers, only not for this job. */
  | { kind: 'abandon' }
  | { kind: 'next'; afterSeconds?: number };

/** The calls made at one candidate in one round. */
export interface Visit {
  policy: ExecutionPolicy;
  /** 1 in the first round; later ones find out whether a provider is back, they need not press it. */
  round: number;
  failures: GenerateMediaFailure[];
  /** One call to see whether a job that was given up can be had after all. */
  isLook?: boolean | undefined;
}

/** Calls in a row that were lost on our side: a worker that dies of every one of them must not be given the next at once. */
const mostOwnLosses = 8;

/** Lost on our side: the worker of the call went, or failed before it could tell. It says nothing of the provider. */
export function isOwnLoss({ code }: GenerateMediaFailure): boolean {
  const { answeredBy, outage, class: failureClass } = failureOf(code);
  return answeredBy === 'us' && outage === 'none' && failureClass === 'transient';
}

/** Within this round the same endpoint would give the same answer. */
function isClosed({ code }: GenerateMediaFailure): boolean {
  return failureOf(code).askAgain === 'next_round';
}

/** What the failed call was told of its job. */
interface JobBefore {
  previous: DispatchState;
  /** Until an open job is given up: infinite while its provider speaks of it. */
  graceLeftSeconds: number;
}

export function judge(
  failure: GenerateMediaFailure,
  { previous, graceLeftSeconds }: JobBefore,
  visit: Visit,
): Verdict {
  if (isFindable(failure.dispatch)) return judgeOpen(failure, graceLeftSeconds, visit);
  if (failure.dispatch.phase === 'intent') return judgeUnknown(failure, previous, visit);
  if (finalFailureClasses.includes(failureOf(failure.code).class)) return { kind: 'fail' };
  return isWorthAnotherTry(failure, visit) ? { kind: 'again', afterSeconds: waitSeconds(visit) } : next;
}

const next: Verdict = { kind: 'next' };
const atOnce: Verdict = { kind: 'again', afterSeconds: 0 };

/** Nobody can find the job but the process that made the call, where that still runs. */
function judgeUnknown(failure: GenerateMediaFailure, previous: DispatchState, visit: Visit): Verdict {
  if (failure.code === 'outcome_unknown') return { kind: 'unknown' };
  if (isClosed(failure)) return next;
  if (previous.phase !== 'intent') return atOnce;
  return failure.code === 'activity_timed_out' && visit.failures.length <= mostOwnLosses ? atOnce : next;
}

/** The job may be paid for twice at another provider: an outage is waited for, endless silence is not. */
function judgeOpen(failure: GenerateMediaFailure, graceLeftSeconds: number, visit: Visit): Verdict {
  if (isClosed(failure) || visit.isLook === true) return next;
  const hangs = visit.failures.filter(({ code }) => code === 'deadline_exceeded').length;
  if (hangs >= 2 || graceLeftSeconds <= 0) return { kind: 'abandon' };
  if (visit.failures.filter(isOwnLoss).length > mostOwnLosses) return next;
  const { askAgain } = failureOf(failure.code);
  return askAgain === 'at_once' ? atOnce : { kind: 'again', afterSeconds: waitSeconds(visit) };
}

/** Another provider is better than a long wait, and than the same broken answer or silence for the third time. */
function isWorthAnotherTry(failure: GenerateMediaFailure, { policy, round, failures }: Visit): boolean {
  const { code, outcome, retryAfterSeconds = 0 } = failure;
  if (failures.length >= policy.retry.maximumAttempts || retryAfterSeconds > policy.retry.maximumSeconds)
    return false;
  const { askAgain } = failureOf(code);
  if (askAgain === 'at_once' && outcome === 'nothing_sent') return true;
  // Temporal has repeated what sent nothing as often as the policy allows.
  if (round > 1 || outcome === 'nothing_sent' || askAgain !== 'after_pause') return false;
  return failures.filter((other) => isAlike(failure, other)).length < 2;
}

/** Two broken answers, or two silences, are enough at one provider. */
function isAlike(failure: GenerateMediaFailure, other: GenerateMediaFailure): boolean {
  const [{ class: failureClass }, otherRow] = [failureOf(failure.code), failureOf(other.code)];
  if (failureClass === 'corrupt') return otherRow.class === 'corrupt';
  return other.code === 'deadline_exceeded' || other.code === 'no_answer';
}

function waitSeconds({ policy: { retry }, failures }: Visit): number {
  const backoff = retry.initialSeconds * retry.backoffCoefficient ** (failures.length - 1);
  return Math.max(Math.min(backoff, retry.maximumSeconds), failures.at(-1)?.retryAfterSeconds ?? 0);
}
