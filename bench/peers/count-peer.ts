import { roundUsd } from '../../src/domain/round-usd';
import type { MatchedSlot } from '../chaos/analysis/match-jobs';

/** What a peer's run came to, in the words of the chaos report. */
export interface PeerCounts {
  asked: number;
  /** Pictures that could be fetched and decoded, and show something. */
  delivered: number;
  /** With an error the caller can read. */
  failed: number;
  /** Accepted, and then forgotten, or delivered as a picture that is none. */
  lost: number;
  /** Neither ended nor forgotten when the run was over. */
  stuck: number;
  paid: number;
  /** Jobs paid while an earlier one of the same picture had not failed at its provider. */
  duplicates: number;
  chargedUsd: number;
  /** Charged for jobs whose picture nobody got. */
  wastedUsd: number;
}

/** A peer keeps no trail and no money: the journal alone decides, in its favour where it leaves a doubt. */
export function countPeer(slots: readonly MatchedSlot[]): PeerCounts {
  const ended = (status: string): number => slots.filter(({ slot }) => slot.status === status).length;
  const isDelivered = ({ slot }: MatchedSlot): boolean =>
    slot.status === 'completed' && slot.assetProblem === undefined;
  const jobs = slots.flatMap((slot) => slot.jobs.map(({ job }) => job));
  const chargedUsd = jobs.reduce((sum, job) => sum + job.chargedUsd, 0);
  const usedUsd = slots.filter(isDelivered).reduce((sum, slot) => sum + dearest(slot), 0);
  return {
    asked: slots.length,
    delivered: slots.filter(isDelivered).length,
    failed: ended('failed'),
    lost:
      ended('lost') + slots.filter((slot) => slot.slot.status === 'completed' && !isDelivered(slot)).length,
    stuck: ended('running'),
    paid: jobs.length,
    duplicates: slots.reduce((sum, slot) => sum + paidTwice(slot), 0),
    chargedUsd: roundUsd(chargedUsd),
    wastedUsd: roundUsd(chargedUsd - usedUsd),
  };
}

/** The last good job is the one whose picture was kept. */
function dearest({ jobs }: MatchedSlot): number {
  return jobs.findLast(({ job }) => job.outcome === 'succeeded')?.job.chargedUsd ?? 0;
}

function paidTwice({ jobs }: MatchedSlot): number {
  return jobs.filter((_, index) => jobs.slice(0, index).some(({ job }) => job.outcome === 'succeeded'))
    .length;
}
