import type { AttemptRecord } from '../../../src/domain/attempt-record';
import type { Evidence, PaidJob } from './evidence';
import type { MatchedJob, MatchedSlot } from './match-jobs';

/**
 * What the trail says of a job after which the slot was submitted again.
 *
 * - `over`: it failed, was cancelled or its picture was of no use, and the trail says so: the next submit is no duplicate.
 * - `unknown`: nobody could know by then what had become of it, and the trail says so.
 * - `abandoned`: the trail knows it was accepted, the provider finished it, and its picture was left there.
 * - `delivered`: its picture had been taken.
 * - `unrecorded`: the trail does not know it.
 */
export type EarlierJob = 'over' | 'unknown' | 'abandoned' | 'delivered' | 'unrecorded';

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

/** Every submit after the first that has a job before it which was not over. One per later job. */
export function findDuplicates(slots: readonly MatchedSlot[], policy: Evidence['policy']): Duplicate[] {
  return slots.flatMap(({ work, slot, jobs }) =>
    jobs.flatMap(({ job: later }, index): Duplicate[] => {
      const alive = jobs
        .slice(0, index)
        .map((earlier) => ({ job: earlier.job, why: whatBecameOf(earlier, policy, later.at) }))
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
const gravity: readonly EarlierJob[] = ['over', 'unknown', 'abandoned', 'delivered', 'unrecorded'];

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
  if (isInDoubtAt(attempts, laterAt)) return 'unknown';
  if (attempts.some(({ outcome }) => outcome === 'succeeded')) return 'delivered';
  return isOver(job) ? 'over' : 'abandoned';
}

/** By then the trail knew of the job only that its outcome was unknown, whatever was found out afterwards. */
function isInDoubtAt(attempts: readonly AttemptRecord[], laterAt: number): boolean {
  const known = attempts.filter(({ startedAt }) => Date.parse(startedAt) <= laterAt);
  return known.length > 0 && known.every(({ certainty }) => certainty === 'unknown');
}

function isOver({ outcome }: PaidJob): boolean {
  return outcome === 'failed' || outcome === 'cancelled' || outcome === 'lost';
}

const refusedPictures: readonly string[] = [
  'media_blank',
  'media_wrong_size',
  'media_wrong_kind',
  'media_too_large',
  'duplicate',
  'incoherent',
];

/**
 * The picture came whole and was refused. One that came damaged is replaced by itself too, but not while unknown outcomes are
 * on hold: there a person is asked first.
 */
function isUseless({ outcome, errorCode = '' }: AttemptRecord, policy: Evidence['policy']): boolean {
  if (outcome !== 'failed') return false;
  return refusedPictures.includes(errorCode) || (policy === 'resubmit' && errorCode === 'media_truncated');
}
