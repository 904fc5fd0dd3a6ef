import type { ProviderName } from './taxonomy';

/** How a provider's watch probes, and how it wakes the jobs that wait. It stands in the watch's history. */
export interface WatchPolicy {
  /** Seconds from one failed probe to the next, give or take {@link WatchPolicy.jitter}. */
  probe: { initialSeconds: number; backoffCoefficient: number; maximumSeconds: number };
  /** Share of a wait by which it may be longer or shorter, 0-1. */
  jitter: number;
  /** Longest wait for the first probe of a provider whose health route answers while its calls keep failing. */
  reopenMaximumSeconds: number;
  /** Seconds until every worker and API has read that the provider is up; nobody is woken before. */
  settleSeconds: number;
  /** Jobs woken first, to see whether calls work again. */
  canaries: number;
  /** Seconds the canaries get before the others are woken. */
  canarySeconds: number;
  /** Jobs woken at once after the canaries. */
  batchSize: number;
  /** Seconds between two batches. */
  batchPauseSeconds: number;
  /** Seconds without a report or a waiting job after which a provider that is up needs no watch. */
  quietSeconds: number;
  /** Waiting jobs a watch keeps; those beyond try again by their own timers. The list must fit one payload of 2 MB. */
  maxParked: number;
}

export const watchStates = ['checking', 'up', 'down'] as const;
/** `checking`: a job waits for the provider, and nobody has asked the provider yet. */
export type WatchState = (typeof watchStates)[number];

/** What a watch knows: its query answers this. Times are ISO 8601. */
export interface ProviderWatchView {
  provider: ProviderName;
  state: WatchState;
  since: string;
  /** Why it is not up. */
  reason?: string | undefined;
  /** While it is not up. */
  nextProbeAt?: string | undefined;
  /** Probes without a good answer, in a row. */
  failedProbes: number;
  /** Times in a row that the provider answered its probe and then failed its calls again. */
  reopenings: number;
  parkedJobs: number;
  wokenJobs: number;
  /** Jobs beyond `maxParked` that came to wait since the provider is out; their own timers wake them. */
  unlistedJobs: number;
}

/** Everything a watch takes along into its next run. */
export interface ProviderWatchRecord extends Omit<ProviderWatchView, 'parkedJobs' | 'provider'> {
  /** Workflow ids, in the order in which they came. */
  parked: string[];
  /** When the provider last began to be up. */
  upSince?: string | undefined;
  /** Seconds from the doubt to its first probe. */
  firstDelaySeconds: number;
}

export interface ProviderWatchInput {
  provider: ProviderName;
  policy: WatchPolicy;
  /** Set by the watch itself when it goes on in a new run, because the history of the old one grew long. */
  resumed?: ProviderWatchRecord | undefined;
}

/** What remains of a watch that is no longer needed. */
export interface ProviderWatchSummary {
  provider: ProviderName;
  wokenJobs: number;
  /** When the provider last began to be up. */
  upSince?: string | undefined;
}

export const providerWatchType = 'providerWatch';
/** Query: the {@link ProviderWatchView} of a watch. */
export const healthQueryName = 'health';
