import { type Money, accountMoney } from './account-money';
import { type JobCounts, countJobs, isDelivered } from './count-jobs';
import { type Evidence, type WorkOutcome, endStatuses } from './evidence';
import { type Duplicate, findDuplicates, isUnexplained } from './find-duplicates';
import { type UnknownOutcome, findUnknowns } from './find-unknowns';
import { type MatchedSlot, matchJobs } from './match-jobs';
import { providerNames, type SlotFailureCode } from '../../../src/domain/taxonomy';

/** What a run proves or disproves. */
export interface Findings {
  policy: Evidence['policy'];
  /** See `Evidence`. */
  named: boolean;
  /** Slots that were put before a person. */
  decisions: number;
  /** Provider jobs whose price nobody knew when the wait for it was over. */
  unsettled: number;
  /** Paid pictures that came late and were kept. */
  extras: number;
  images: {
    asked: number;
    delivered: number;
    /** By typed reason. */
    failed: Record<string, number>;
    /** Accepted, and then neither delivered nor failed with a reason. */
    lost: LostImages[];
    /** The job had not ended when the run was over. */
    stuck: StuckJob[];
    /** Of requests the API never accepted. */
    refused: number;
  };
  /** Answers to a repeated Idempotency-Key that named another job. */
  otherJobs: number;
  paid: PaidByProvider[];
  duplicates: Duplicate[];
  /** Journal numbers of jobs that belong to no slot. */
  orphans: number[];
  unknowns: UnknownOutcome[];
  money: Money;
  /** By the rule that also fits designs without a trail. */
  byJournal: JobCounts;
}

export interface LostImages {
  workId: string;
  /** Absent: all of them. */
  slot?: number | undefined;
  images: number;
  reason: string;
}

export interface StuckJob {
  workId: string;
  generationId: string;
  status: string;
  images: number;
}

export interface PaidByProvider {
  provider: string;
  /** Jobs the journal shows. */
  paid: number;
  /** Pictures that reached their slot. */
  delivered: number;
  /** Jobs that failed at the provider or made a useless picture, as the trail says. */
  failed: number;
  /** Submitted again behind an outcome the trail calls unknown. */
  duplicatesBehindUnknown: number;
  /** Submitted again with nothing in the trail to explain it. */
  duplicatesUnexplained: number;
  chargedUsd: number;
}

/** Judges nothing: see `verdict`. */
export function analyse(evidence: Evidence): Findings {
  const { policy, named, decisions, works, jobs, disruptions } = evidence;
  const { slots, orphans } = matchJobs(works, jobs);
  const duplicates = findDuplicates(slots, evidence);
  return {
    policy,
    named,
    decisions,
    unsettled: works.reduce((sum, { unsettledJobs = 0 }) => sum + unsettledJobs, 0),
    extras: works.reduce((sum, { extras = [] }) => sum + extras.length, 0),
    images: countImages(works),
    otherJobs: works.reduce((sum, { otherIds = [] }) => sum + otherIds.length, 0),
    paid: providerNames.map((provider) => paidAt(provider, slots, duplicates)),
    duplicates,
    orphans: orphans.map(({ n }) => n),
    unknowns: findUnknowns(slots, disruptions),
    money: accountMoney(slots, orphans),
    byJournal: countJobs(slots),
  };
}

function paidAt(
  provider: string,
  slots: readonly MatchedSlot[],
  duplicates: readonly Duplicate[],
): PaidByProvider {
  const jobs = slots.flatMap(({ slot, jobs: all }) =>
    all.filter(({ job }) => job.provider === provider).map((matched) => ({ ...matched, slot })),
  );
  const own = duplicates.filter((duplicate) => duplicate.provider === provider);
  const delivered = jobs.filter(
    ({ slot, attempts }) =>
      slot.status === 'completed' && attempts.some(({ outcome }) => outcome === 'succeeded'),
  );
  return {
    provider,
    paid: jobs.length,
    delivered: delivered.length,
    failed: jobs.filter(({ attempts }) => attempts.length > 0 && attempts.every(hasFailed)).length,
    duplicatesBehindUnknown: own.filter(({ why }) => why === 'unknown').length,
    duplicatesUnexplained: own.filter(isUnexplained).length,
    chargedUsd: jobs.reduce((sum, { job }) => sum + job.chargedUsd, 0),
  };
}

function hasFailed({ outcome, certainty }: { outcome: string; certainty: string }): boolean {
  return outcome !== 'succeeded' && certainty === 'accepted';
}

function countImages(works: readonly WorkOutcome[]): Findings['images'] {
  const counts: Findings['images'] = {
    asked: works.reduce((sum, { images }) => sum + images, 0),
    delivered: 0,
    failed: {},
    lost: [],
    stuck: [],
    refused: 0,
  };
  for (const work of works) countWork(work, counts);
  return counts;
}

function countWork(work: WorkOutcome, counts: Findings['images']): void {
  const { workId, images, generationId, status, slots, errorCode } = work;
  if (generationId === undefined) {
    counts.refused += images;
    return;
  }
  if (status === undefined) {
    counts.lost.push({ workId, images, reason: 'the API no longer knows the job' });
    return;
  }
  if (!endStatuses.has(status)) {
    counts.stuck.push({ workId, generationId, status, images });
    return;
  }
  if (slots.length < images) {
    const reason = `ended as ${status} with ${slots.length} of ${images} slots: ${errorCode ?? 'no reason'}`;
    counts.lost.push({ workId, images: images - slots.length, reason });
  }
  for (const slot of slots) countSlot(work, slot, counts);
}

function countSlot(
  { workId }: WorkOutcome,
  outcome: WorkOutcome['slots'][number],
  counts: Findings['images'],
): void {
  const { slot, status, errorCode, assetProblem } = outcome;
  if (isDelivered(outcome)) {
    counts.delivered += 1;
    return;
  }
  if (status === 'failed' && errorCode !== undefined && slotFailureCodes.has(errorCode)) {
    counts.failed[errorCode] = (counts.failed[errorCode] ?? 0) + 1;
    return;
  }
  const reason = assetProblem ?? `slot is ${status}, reason: ${errorCode ?? 'none'}`;
  counts.lost.push({ workId, slot, images: 1, reason });
}

/** A record, so that the compiler finds a code that is missing here. */
const typed: Record<SlotFailureCode, true> = {
  transient: true,
  capacity: true,
  outage: true,
  corrupt: true,
  auth: true,
  input: true,
  policy: true,
  lora: true,
  deadline_exceeded: true,
  paid_attempt_limit: true,
  budget_exceeded: true,
  outcome_unknown: true,
  duplicate: true,
  cancelled: true,
  no_route: true,
};

/** The reasons a slot may give for having no picture; any other one is a picture lost. */
const slotFailureCodes: ReadonlySet<string> = new Set(Object.keys(typed));
