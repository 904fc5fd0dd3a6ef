import type { AttemptRecord } from './attempt-record';
import type { Keyed } from './dispatch';
import type { GenerationState, SlotState } from './generation';
import { roundUsd } from './round-usd';
import type { ProviderName } from './taxonomy';

/** A provider job that may have been paid, and of which the run that goes on knows nothing. */
export interface ForgottenJob {
  /** 1-based. */
  slot: number;
  provider: ProviderName;
  endpoint: string;
  /** ISO 8601. */
  startedAt: string;
  jobKey?: string | undefined;
  providerRequestId?: string | undefined;
  /** What it cost, or may have cost. */
  usd: number;
}

/** What happened to a generation from outside, which its own state cannot tell. */
export interface Notice {
  /**
   * `reset`: its workflow was reset. `history_lost`: Temporal lost it. `unread`: its workflow was ended, and no worker could
   * say yet how far it was.
   */
  code: 'reset' | 'history_lost' | 'unread';
  message: string;
  /** ISO 8601; when it was noticed. */
  at: string;
  /** USD that may have been paid beside what the slots tell. */
  atRiskUsd: number;
  /** The jobs that make up this sum, as far as they are known. */
  jobs: ForgottenJob[];
}

/** What the runs of a generation that were reset knew last. */
export interface EarlierRuns {
  states: (Pick<GenerationState, 'inFlight'> & { slots: Pick<SlotState, 'slot' | 'attempts'>[] })[];
  /** `false`: not all of them could be asked. */
  isComplete: boolean;
}

/** Whether a state goes on from the run with this id. Older releases name no runs. */
export function goesOnFrom({ runs }: Pick<GenerationState, 'runs'>, runId: string | undefined): boolean {
  return runId === undefined || runs === undefined || runs.includes(runId);
}

/**
 * Paid, or perhaps paid, by earlier runs, and not in what the present one knows.
 *
 * @param noticed what earlier resets forgot: told already
 */
export function forgottenJobs(
  earlier: EarlierRuns['states'],
  now: GenerationState,
  noticed: readonly ForgottenJob[],
): ForgottenJob[] {
  const known = new Map(attemptsOf(now).map((one) => [identityOf(one), one.usd]));
  const forgotten = new Map<string, PaidJob>();
  for (const job of earlier.flatMap((state) => [...attemptsOf(state), ...inFlightOf(state)])) {
    const identity = identityOf(job);
    const usd = roundUsd(job.usd - (known.get(identity) ?? 0));
    if (usd > (forgotten.get(identity)?.usd ?? 0)) forgotten.set(identity, { ...job, usd });
  }
  const told = new Set(noticed.map(identityOf));
  const untold = [...forgotten.values()].filter(
    (job) => !told.has(identityOf(job)) && !noticed.some((other) => isSameJob(other, job)),
  );
  return stillForgotten(onceEach(untold).map(withoutKeyed), now);
}

/** Where the provider gives a repeated submit the same job, the present run has learnt what that job cost. */
export function stillForgotten(jobs: readonly ForgottenJob[], now: GenerationState): ForgottenJob[] {
  const known = attemptsOf(now);
  return jobs.filter((job) => !known.some((attempt) => isSameJob(attempt, job)));
}

/** Several runs may tell of one job; the highest figure counts. */
function onceEach(jobs: readonly PaidJob[]): PaidJob[] {
  return jobs.filter(
    (job, at) =>
      !jobs.some(
        (other, place) =>
          place !== at &&
          isSameJob(other, job) &&
          (other.usd > job.usd || (other.usd === job.usd && place < at)),
      ),
  );
}

/** What the notices of a generation add to its own figures. */
export function forgottenUsdOf(notices: readonly Notice[]): number {
  return roundUsd(notices.reduce((sum, { atRiskUsd }) => sum + atRiskUsd, 0));
}

export function resetNotice(
  jobs: ForgottenJob[],
  { at, unknownUsd }: { at: string; unknownUsd: number },
): Notice {
  const atRiskUsd = roundUsd(jobs.reduce((sum, { usd }) => sum + usd, unknownUsd));
  const message =
    'The workflow was reset. What it had paid, or may have paid, after the point it was reset to is at risk: it pays for ' +
    'that again.';
  return { code: 'reset', message, at, atRiskUsd, jobs };
}

/** @param unspentUsd what was set aside for the job and is in no attempt */
export function lostNotice(code: 'history_lost' | 'unread', unspentUsd: number, at: string): Notice {
  const message =
    code === 'unread'
      ? 'The workflow was ended from outside, and no worker could say yet how far it was: what was set aside and is in no attempt may have been paid.'
      : 'Temporal lost the workflow: what was set aside and is in no attempt may have been paid.';
  return { code, message, at, atRiskUsd: roundUsd(unspentUsd), jobs: [] };
}

/** A forgotten job, and whether all submits under its key are this one. */
type PaidJob = ForgottenJob & Keyed;

function withoutKeyed({
  slot,
  provider,
  endpoint,
  startedAt,
  jobKey,
  providerRequestId,
  usd,
}: PaidJob): ForgottenJob {
  return { slot, provider, endpoint, startedAt, jobKey, providerRequestId, usd };
}

function attemptsOf({ slots }: EarlierRuns['states'][number]): PaidJob[] {
  return slots.flatMap(({ slot, attempts }) => attempts.map((attempt) => jobOf(slot, attempt)));
}

function jobOf(slot: number, attempt: AttemptRecord): PaidJob {
  const { provider, endpoint, startedAt, jobKey, providerRequestId, byKey } = attempt;
  const { costUsd = 0, atRiskUsd = 0 } = attempt;
  const usd = roundUsd(costUsd + atRiskUsd);
  return { slot, provider, endpoint, startedAt, jobKey, providerRequestId, byKey, usd };
}

function inFlightOf({ inFlight = [] }: EarlierRuns['states'][number]): ForgottenJob[] {
  return inFlight.map(({ priceUsd: usd, since: startedAt, slot, provider, endpoint, jobKey }) => {
    return { slot, provider, endpoint, startedAt, jobKey, usd };
  });
}

/** An attempt before the point of the reset is the same in both runs. */
function identityOf({ slot, provider, endpoint, startedAt }: ForgottenJob): string {
  return JSON.stringify([slot, provider, endpoint, Date.parse(startedAt)]);
}

/** By the provider's name of it; where that is not known of both, by our key, if the provider goes by that. */
function isSameJob(one: PaidJob, other: PaidJob): boolean {
  if (one.provider !== other.provider) return false;
  if (one.providerRequestId !== undefined && other.providerRequestId !== undefined)
    return one.providerRequestId === other.providerRequestId;
  const isByKey = one.byKey === true || other.byKey === true;
  return isByKey && one.jobKey !== undefined && one.jobKey === other.jobKey;
}
