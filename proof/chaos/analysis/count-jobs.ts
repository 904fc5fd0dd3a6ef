import { roundUsd } from '../../../src/domain/round-usd';
import type { SlotOutcome } from './evidence';
import type { MatchedSlot } from './match-jobs';

/** What the providers' journal alone says of a run, whoever ran it. */
export interface JobCounts {
  paid: number;
  /** Jobs paid for a picture of which the provider had already finished one. */
  duplicates: number;
  chargedUsd: number;
  /** Charged beyond the one job behind each picture somebody got. */
  wastedUsd: number;
}

/** One rule for designs with a trail and without: no trail is read. In favour of the run where the journal leaves a doubt. */
export function countJobs(slots: readonly MatchedSlot[]): JobCounts {
  const jobs = slots.flatMap((slot) => slot.jobs.map(({ job }) => job));
  const chargedUsd = jobs.reduce((sum, job) => sum + job.chargedUsd, 0);
  const usedUsd = slots.reduce((sum, one) => sum + (isDelivered(one.slot) ? priceOfKept(one) : 0), 0);
  return {
    paid: jobs.length,
    duplicates: slots.reduce((sum, slot) => sum + paidTwice(slot), 0),
    chargedUsd: roundUsd(chargedUsd),
    wastedUsd: roundUsd(chargedUsd - usedUsd),
  };
}

/** It could be fetched and decoded, and shows something. */
export function isDelivered({ status, assetProblem }: SlotOutcome): boolean {
  return status === 'completed' && assetProblem === undefined;
}

/** The last good job is the one whose picture was kept. */
function priceOfKept({ jobs }: MatchedSlot): number {
  return jobs.findLast(({ job }) => job.outcome === 'succeeded')?.job.chargedUsd ?? 0;
}

function paidTwice({ jobs }: MatchedSlot): number {
  return jobs.filter((_, index) => jobs.slice(0, index).some(({ job }) => job.outcome === 'succeeded'))
    .length;
}
