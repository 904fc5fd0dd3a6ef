import { countJobs, isDelivered, type JobCounts } from '../chaos/analysis/count-jobs';
import type { MatchedSlot } from '../chaos/analysis/match-jobs';

/** What a peer's run came to, in the words of the chaos report. */
export interface PeerCounts extends JobCounts {
  asked: number;
  /** Pictures that could be fetched and decoded, and show something. */
  delivered: number;
  /** With an error the caller can read. */
  failed: number;
  /** Accepted, and then forgotten, or delivered as a picture that is none. */
  lost: number;
  /** Neither ended nor forgotten when the run was over. */
  stuck: number;
}

export function countPeer(slots: readonly MatchedSlot[]): PeerCounts {
  const ended = (status: string): number => slots.filter(({ slot }) => slot.status === status).length;
  const delivered = slots.filter(({ slot }) => isDelivered(slot)).length;
  return {
    asked: slots.length,
    delivered,
    failed: ended('failed'),
    lost: ended('lost') + ended('completed') - delivered,
    stuck: ended('running'),
    ...countJobs(slots),
  };
}
