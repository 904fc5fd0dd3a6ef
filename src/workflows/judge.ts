import { isFindable, type DispatchState, type GenerateMediaFailure } from '../domain/dispatch';
import type { ExecutionPolicy } from '../domain/plan';
import { finalFailureClasses, type FailureClass } from '../domain/taxonomy';

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

/** Ours: the worker of the call went, or it failed before it could tell. */
export const ownLosses: readonly string[] = ['outcome_unknown', 'activity_timed_out', 'internal_error'];

const classesWorthAnotherTry: readonly FailureClass[] = ['transient', 'capacity', 'corrupt'];

/** Nobody took the call, or the gate on the way to the provider is closed: asking again at once gives the same answer. */
const closedDoors: readonly string[] = [
  'provider_down',
  'provider_disabled',
  'job_elsewhere',
  'no_worker',
  'deadline_passed',
];

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
  if (finalFailureClasses.includes(failure.failureClass)) return { kind: 'fail' };
  return isWorthAnotherTry(failure, visit) ? { kind: 'again', afterSeconds: waitSeconds(visit) } : next;
}

/** The earlier submit never arrived: another one costs nothing more. */
const neverAccepted = 'never_accepted';

const next: Verdict = { kind: 'next' };
const atOnce: Verdict = { kind: 'again', afterSeconds: 0 };

/** Nobody can find the job but the process that made the call, where that still runs. */
function judgeUnknown(failure: GenerateMediaFailure, previous: DispatchState, visit: Visit): Verdict {
  if (failure.code === 'outcome_unknown') return { kind: 'unknown' };
  if (closedDoors.includes(failure.code)) return next;
  if (previous.phase !== 'intent') return atOnce;
  return failure.code === 'activity_timed_out' && visit.failures.length <= mostOwnLosses ? atOnce : next;
}

/** The job may be paid for twice at another provider: an outage is waited for, endless silence is not. */
function judgeOpen({ code }: GenerateMediaFailure, graceLeftSeconds: number, visit: Visit): Verdict {
  if (closedDoors.includes(code) || visit.isLook === true) return next;
  const hangs = visit.failures.filter((failure) => failure.code === 'deadline_exceeded').length;
  if (hangs >= 2 || graceLeftSeconds <= 0) return { kind: 'abandon' };
  if (!ownLosses.includes(code)) return { kind: 'again', afterSeconds: waitSeconds(visit) };
  const losses = visit.failures.filter((failure) => ownLosses.includes(failure.code)).length;
  if (losses > mostOwnLosses) return next;
  return code === 'activity_timed_out' ? atOnce : { kind: 'again', afterSeconds: waitSeconds(visit) };
}

/** Another provider is better than a long wait, and than the same broken answer or silence for the third time. */
function isWorthAnotherTry(failure: GenerateMediaFailure, { policy, round, failures }: Visit): boolean {
  const { failureClass, code, certainty, retryAfterSeconds = 0 } = failure;
  if (failures.length >= policy.retry.maximumAttempts || retryAfterSeconds > policy.retry.maximumSeconds)
    return false;
  if (code === 'activity_timed_out' && certainty === 'not_sent') return true;
  if (code === neverAccepted) return true;
  // Temporal has repeated what sent nothing as often as the policy allows.
  if (round > 1 || certainty === 'not_sent' || !classesWorthAnotherTry.includes(failureClass)) return false;
  if (code === 'queue_timeout') return false;
  const isAlike = (other: GenerateMediaFailure): boolean =>
    failureClass === 'corrupt' ? other.failureClass === 'corrupt' : other.code === 'deadline_exceeded';
  return failures.filter(isAlike).length < 2;
}

function waitSeconds({ policy: { retry }, failures }: Visit): number {
  const backoff = retry.initialSeconds * retry.backoffCoefficient ** (failures.length - 1);
  return Math.max(Math.min(backoff, retry.maximumSeconds), failures.at(-1)?.retryAfterSeconds ?? 0);
}
