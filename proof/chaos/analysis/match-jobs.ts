import type { AttemptRecord } from '../../../src/domain/attempt-record';
import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';
import { nameOf } from '../../../src/providers/modal/named-job-requests';
import type { PaidJob, SlotOutcome, WorkOutcome } from './evidence';

/** One job with the attempts of its slot that speak of it, oldest first; none: the trail does not know it. */
export interface MatchedJob {
  job: PaidJob;
  attempts: AttemptRecord[];
}

/** One slot with every job that was paid for it, oldest first. */
export interface MatchedSlot {
  work: WorkOutcome;
  slot: SlotOutcome;
  jobs: MatchedJob[];
}

export interface MatchedJobs {
  slots: MatchedSlot[];
  /** Jobs no slot asked for, as far as its trail and its seeds tell. */
  orphans: PaidJob[];
}

/** Both clocks are the machine's: a job is never accepted before its attempt, but its seconds may be rounded down. */
const slackMs = 250;

/** Finds the slot behind every job, and the attempts behind every job of a slot. */
export function matchJobs(works: readonly WorkOutcome[], jobs: readonly PaidJob[]): MatchedJobs {
  const slots = works.flatMap((work) => work.slots.map((slot): MatchedSlot => ({ work, slot, jobs: [] })));
  const orphans: PaidJob[] = [];
  for (const job of jobs.toSorted((a, b) => a.n - b.n)) {
    const owner = ownerOf(
      job,
      slots.filter(({ work }) => work.workId === job.workId),
    );
    if (owner === undefined) orphans.push(job);
    else owner.jobs.push({ job, attempts: [] });
  }
  for (const slot of slots) matchAttempts(slot);
  return { slots, orphans };
}

/** By our name for it or the provider's own id, else by the seed, else by an attempt at that place and time (a refill's seed is its own). */
function ownerOf(job: PaidJob, slots: readonly MatchedSlot[]): MatchedSlot | undefined {
  const byName = slots.find(({ slot }) => slot.attempts.some((attempt) => isNamedAfter(job, attempt)));
  if (byName !== undefined) return byName;
  const byId = slots.find(({ slot }) => slot.attempts.some((attempt) => hasId(job, attempt)));
  if (byId !== undefined) return byId;
  const bySeed = slots.find(
    ({ work, slot }) => job.seed === work.seed + slot.slot - 1 || job.seed === slot.seed,
  );
  if (bySeed !== undefined) return bySeed;
  const [only] = slots;
  if (slots.length === 1 && only !== undefined) return only;
  return slots.find(({ slot }) => slot.attempts.some((attempt) => isDuring(job, attempt)));
}

/** Surest first: a submit that was lost may have left no job, and must not be given the next one's. */
function matchAttempts({ slot, jobs }: MatchedSlot): void {
  const isUnknown = ({ certainty }: AttemptRecord): boolean => certainty === 'unknown';
  const isKnown = (attempt: AttemptRecord): boolean =>
    jobs.some(({ job }) => hasId(job, attempt) || isNamedAfter(job, attempt));
  const sent = slot.attempts.filter((attempt) => attempt.certainty !== 'not_sent' || isKnown(attempt));
  const withId = sent.filter(isKnown);
  const others = sent.filter((attempt) => !withId.includes(attempt));
  const inTurn = [...withId, ...others.filter((attempt) => !isUnknown(attempt)), ...others.filter(isUnknown)];
  for (const attempt of inTurn) jobOf(attempt, jobs)?.attempts.push(attempt);
  for (const { attempts } of jobs) attempts.sort((a, b) => a.number - b.number);
}

function jobOf(attempt: AttemptRecord, jobs: readonly MatchedJob[]): MatchedJob | undefined {
  const byId = jobs.find(({ job }) => hasId(job, attempt));
  if (byId !== undefined) return byId;
  const named = jobs.filter(({ job }) => isNamedAfter(job, attempt));
  if (named.length > 0) {
    // A job that Modal lost is made again under the next number of the same name.
    const endedAt = Date.parse(attempt.startedAt) + attempt.seconds * 1000 + slackMs;
    return named.findLast(({ job }) => job.at <= endedAt) ?? named[0];
  }
  const sameDoor = jobs.filter(({ job }) => isSameDoor(job, attempt) && job.jobKey === undefined);
  const meanwhile = sameDoor.filter(({ job }) => isDuring(job, attempt));
  const fresh = meanwhile.find(({ attempts }) => attempts.length === 0);
  // An unknown outcome never takes up an earlier job: if nothing was accepted in its time, nothing was.
  if (fresh !== undefined) return fresh;
  // Fal takes no name of ours: one attempt has the id of the job, the others about it have its name in our trail.
  const sameName = sameDoor.find(({ attempts }) => attempts.some((one) => hasSameName(one, attempt)));
  if (sameName !== undefined) return sameName;
  if (attempt.certainty === 'unknown') return meanwhile.find(isFoundLater);
  const startedAt = Date.parse(attempt.startedAt);
  // One accepted in its time may be known by the id of a later attempt that collected it.
  return meanwhile.at(0) ?? sameDoor.findLast(({ job }) => job.at <= startedAt);
}

/** Only the pod knows a job by our own id: one that was lost there may have been collected in the end. */
function isFoundLater({ job, attempts }: MatchedJob): boolean {
  return job.provider === 'comfyui' && attempts.every((attempt) => hasId(job, attempt));
}

/** Modal and the pod know a job by a name that is made from the key in the trail. */
function isNamedAfter({ jobKey: name, provider, ids }: PaidJob, attempt: AttemptRecord): boolean {
  const { jobKey } = attempt;
  if (jobKey === undefined || provider !== attempt.provider) return false;
  if (provider === 'comfyui') return ids.includes(promptIdOf(jobKey));
  const first = nameOf(jobKey, 1);
  return name === first || name?.startsWith(`${first}.`) === true;
}

function hasSameName({ jobKey, providerRequestId }: AttemptRecord, other: AttemptRecord): boolean {
  return jobKey !== undefined && jobKey === other.jobKey && providerRequestId !== undefined;
}

function hasId({ ids }: PaidJob, { providerRequestId }: AttemptRecord): boolean {
  return providerRequestId !== undefined && ids.includes(providerRequestId);
}

function isSameDoor(job: PaidJob, attempt: AttemptRecord): boolean {
  return job.provider === attempt.provider && job.endpoint === attempt.endpoint;
}

function isDuring(job: PaidJob, attempt: AttemptRecord): boolean {
  const startedAt = Date.parse(attempt.startedAt);
  const endedAt = startedAt + attempt.seconds * 1000;
  return isSameDoor(job, attempt) && job.at >= startedAt && job.at <= endedAt + slackMs;
}
