import type { SlotDecision } from './generation';
import type { ProviderName } from './taxonomy';

/** What may be said to a running generation, and to a provider's watch: names of signals, updates and queries. */
export const progressQueryName = 'progress';
/** Signal: a provider that was down answers again. Sent by its watch to every job parked with it. */
export const providerUpSignalName = 'providerUp';
/** Update: every waiting slot tries again now. */
export const retryNowUpdateName = 'retryNow';
/** Update: what becomes of a slot in `needs_decision`. */
export const decideSlotUpdateName = 'decideSlot';

export interface ProviderUp {
  provider: ProviderName;
}

export interface SlotDecisionInput {
  /** 1-based. */
  slot: number;
  decision: SlotDecision;
}

export interface RetryNowResult {
  /** Numbers of the slots that were waiting. */
  slots: number[];
}

/** Signal to a watch: a breaker opened, so calls to this provider fail. */
export const outageSignalName = 'outage';
/** Signal to a watch: this job waits for the provider and wants to be woken. */
export const parkSignalName = 'park';
/** Signal to a watch: this job waits no longer, and need not be woken. */
export const leaveSignalName = 'leave';

export interface OutageReport {
  reason: string;
  /** Only one of the provider's apps is known to fail: it is asked before it counts as down. */
  isDoubt?: boolean | undefined;
  /** Calls of the reporting worker ended well since the provider was last called up. */
  hasServed?: boolean | undefined;
}

/** Signal to a watch: somebody wants to know now. Nothing is asked of a provider that is up. */
export const probeNowSignalName = 'probeNow';

export interface ParkedJob {
  workflowId: string;
}

/** Id of the one watch over a provider; emulated and real providers have task queues, and so watches, of their own. */
export function providerWatchId(taskQueue: string, provider: ProviderName): string {
  return `provider-watch/${taskQueue}/${provider}`;
}
