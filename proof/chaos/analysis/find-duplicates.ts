import { overtakenCode, type AttemptErrorCode, type AttemptRecord } from '../../../src/domain/attempt-record';
import { failures, type FailureCode } from '../../../src/domain/failures';
import type { Disruption, Evidence, PaidJob, SlotOutcome, WorkOutcome } from './evidence';
import type { MatchedJob, MatchedSlot } from './match-jobs';

/**
 * What the trail says of a job after which the slot was submitted again.
 *
 * - `over`: it failed, was cancelled or its picture was of no use, and the trail says so: the next submit is no duplicate.
 * - `raced`: the caller asked for a race (`hedge`), and this one or the later one was overtaken.
 * - `extra`: it was left while its provider was out, and its picture was collected later and kept.
 * - `unknown`: nobody could know by then what had become of it, and the trail says so.
 * - `abandoned`: the trail knows it was accepted, the provider finished it, and its picture was left there.
 * - `delivered`: its picture had been taken.
 * - `unrecorded`: the trail does not know it.
 */
export type EarlierJob = 'over' | 'raced' | 'extra' | 'unknown' | 'abandoned' | 'delivered' | 'unrecorded';

/** A paid submit while an earlier paid job of the same slot may have been good. */
export interface Duplicate {
  workId: string;
  slot: number;
  /** Whose job was paid beside the one that was kept: the earlier one's. */
  provider: string;
  /** Who was paid beside it. */
  laterProvider: string;
  why: Exclude<EarlierJob, 'over'>;
  /** Journal numbers. */
  earlier: number;
  later: number;
}

/** Neither the trail, nor a race the caller asked for, nor a long outage accounts for it. */
export function isUnexplained({ why }: Duplicate): boolean {
  return why === 'abandoned' || why === 'delivered' || why === 'unrecorded';
}

/** Every submit after the first that has a job before it which was not over. One per later job. */
export function findDuplicates(
  slots: readonly MatchedSlot[],
  { policy, disruptions }: Pick<Evidence, 'policy' | 'disruptions'>,
): Duplicate[] {
  return slots.flatMap(({ work, slot, jobs }) =>
    jobs.flatMap((second, index): Duplicate[] => {
      const { job: later } = second;
      const alive = jobs
        .slice(0, index)
        .map((earlier) => {
          const wasOut = disruptions.some((one) => isOutOf(one, earlier.job, later.at));
          const left = wasOut && isExtra(earlier, work, slot.slot);
          const isRace =
            wasOvertaken(earlier) || wasOvertaken(second) || isRival(earlier, second, work, slot);
          const why = isRace ? 'raced' : left ? 'extra' : whatBecameOf(earlier, policy, later.at);
          return { job: earlier.job, why };
        })
        .toSorted((a, b) => gravity.indexOf(b.why) - gravity.indexOf(a.why))
        .at(0);
      if (alive === undefined || alive.why === 'over') return [];
      const { job, why } = alive;
      return [
        {
          workId: work.workId,
          slot: slot.slot,
          provider: job.provider,
          laterProvider: later.provider,
          why,
          earlier: job.n,
          later: later.n,
        },
      ];
    }),
  );
}

/** Worst last. */
const gravity: readonly EarlierJob[] = [
  'over',
  'raced',
  'extra',
  'unknown',
  'abandoned',
  'delivered',
  'unrecorded',
];

/** @see EarlierJob */
function whatBecameOf(
  { job, attempts }: MatchedJob,
  policy: Evidence['policy'],
  laterAt: number,
): EarlierJob {
  // The pod forgets what it did not finish, and bills nothing: looking it up is what proves that it is gone.
  if (job.provider === 'comfyui' && isOver(job)) return 'over';
  if (attempts.length === 0) return 'unrecorded';
  if (attempts.some((attempt) => isUseless(attempt, policy))) return 'over';
  if (job.jobKey !== undefined && attempts.some(isNoMedium)) return 'over';
  if (isInDoubtAt(attempts, laterAt)) return 'unknown';
  if (attempts.some(({ outcome }) => outcome === 'succeeded')) return 'delivered';
  return isOver(job) ? 'over' : 'abandoned';
}

/**
 * The caller asked for a race, and calls for the two jobs, at two providers, were under way at once: the slot's table lets two
 * calls be under way only as a race. The slower one ends as overtaken unless its worker was lost, and then the tries before
 * that of the lost worker are lost as well: its call may have begun earlier than is known.
 */
function isRival(
  earlier: MatchedJob,
  later: MatchedJob,
  { mayRace }: WorkOutcome,
  slot: SlotOutcome,
): boolean {
  if (mayRace !== true || earlier.job.provider === later.job.provider) return false;
  const begunAt = Math.min(later.job.at, ...later.attempts.map((attempt) => callBegunAt(attempt, slot)));
  return earlier.attempts.some((attempt) => {
    const isLost = attempt.errorCode === 'activity_timed_out';
    const hadBegun = isLost ? earlier.job.at <= later.job.at : callBegunAt(attempt, slot) <= begunAt;
    return hadBegun && begunAt <= endedAt(attempt) + oneTaskMs;
  });
}

/**
 * That a call is slow, and that it ended, may reach the workflow in one task: then the race is called for first, and its
 * call begins a moment later.
 */
const oneTaskMs = 1_000;

function endedAt({ startedAt, seconds }: AttemptRecord): number {
  return Date.parse(startedAt) + seconds * 1000;
}

/** When the call of this attempt began: what sent nothing right before it, and was to be repeated, belongs to it. */
function callBegunAt({ jobKey, startedAt }: AttemptRecord, { attempts }: SlotOutcome): number {
  const before = attempts
    .filter((one) => jobKey !== undefined && one.jobKey === jobKey && one.startedAt < startedAt)
    .toSorted((one, other) => other.startedAt.localeCompare(one.startedAt));
  const last = before.findIndex((one) => one.certainty !== 'not_sent' || !isRepeated(one));
  const ofCall = last === -1 ? before : before.slice(0, last);
  return Date.parse(ofCall.at(-1)?.startedAt ?? startedAt);
}

/** Temporal repeats it by itself, in the same call. */
function isRepeated({ errorCode }: AttemptRecord): boolean {
  const askAgain =
    errorCode !== undefined && errorCode in failures && failures[errorCode as FailureCode].askAgain;
  return askAgain === 'at_once' || askAgain === 'after_pause';
}

/** A rival that was stopped because the other one was faster. */
export function wasOvertaken({ attempts }: MatchedJob): boolean {
  return attempts.some(({ errorCode }) => errorCode === overtakenCode);
}

/** The picture of this job is one of those that came late and were kept. */
export function isExtra({ job, attempts }: MatchedJob, { extras = [] }: WorkOutcome, slot: number): boolean {
  if (attempts.some(({ outcome }) => outcome === 'succeeded')) return false;
  return extras.some(
    (one) =>
      one.slot === slot &&
      one.provider === job.provider &&
      one.endpoint === job.endpoint &&
      (job.seed === undefined || job.seed === one.seed),
  );
}

/** Its provider was taken away after it was accepted and before the later one was paid. */
function isOutOf(
  { kind, target, at, isEnd }: Disruption,
  { provider, at: since }: PaidJob,
  until: number,
): boolean {
  const isTaken = (kind === 'outage' || kind === 'hang') && isEnd !== true;
  return isTaken && target === provider && at <= until && at >= since - longestOutageMs;
}

/** One that had begun before the job was accepted cannot have lasted longer. */
const longestOutageMs = 30_000;

/** The result of a named job is checked by its hash: what came is what was made, and it is no picture. */
function isNoMedium({ outcome, certainty, errorCode }: AttemptRecord): boolean {
  return outcome === 'failed' && certainty === 'accepted' && errorCode?.startsWith('media_') === true;
}

/** By then the trail knew of the job only that its outcome was unknown, whatever was found out afterwards. */
function isInDoubtAt(attempts: readonly AttemptRecord[], laterAt: number): boolean {
  const known = attempts.filter(({ startedAt }) => Date.parse(startedAt) <= laterAt);
  return known.length > 0 && known.every(({ certainty }) => certainty === 'unknown');
}

function isOver({ outcome }: PaidJob): boolean {
  return outcome === 'failed' || outcome === 'cancelled' || outcome === 'lost';
}

const refusedPictures: readonly (AttemptErrorCode | undefined)[] = [
  'media_blank',
  'media_censored',
  'media_wrong_size',
  'media_wrong_kind',
  'media_too_large',
  'duplicate',
  'incoherent',
];

/** The provider made a picture of no use: its own fault. */
export function isSpoiled({ job, attempts }: MatchedJob): boolean {
  if (job.outcome === 'failed' || job.outcome === 'lost') return true;
  return attempts.some(
    (attempt) =>
      isNoMedium(attempt) ||
      isUseless(attempt, 'resubmit') ||
      ['policy', 'corrupt'].includes(attempt.errorClass ?? ''),
  );
}

/**
 * The picture came whole and was refused. One that came damaged is replaced by itself too, but not while unknown outcomes are
 * on hold: there a person is asked first.
 */
function isUseless({ outcome, errorCode }: AttemptRecord, policy: Evidence['policy']): boolean {
  if (outcome !== 'failed') return false;
  return refusedPictures.includes(errorCode) || (policy === 'resubmit' && errorCode === 'media_truncated');
}
