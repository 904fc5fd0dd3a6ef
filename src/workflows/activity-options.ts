import {
  ActivityCancellationType,
  proxyActivities,
  workflowInfo,
  type RetryPolicy,
} from '@temporalio/workflow';
import type { CoreActivities, ProviderActivities } from '../activities';
import { resumeAttempts } from '../domain/dispatch';
import type { ExecutionPolicy, PlannedCandidate } from '../domain/plan';
import { providerTaskQueue } from '../domain/task-queues';

/** Pure and quick; a refusal is final, anything else is a fault of ours that a deploy will mend. */
export const { planRoutes } = proxyActivities<CoreActivities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  summary: 'choose endpoints',
});

/** Never gives up while the database is away: a result that cannot be read later is a lost result. */
export const { saveGeneration } = proxyActivities<CoreActivities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '30 days',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  summary: 'save state',
});

export interface MediaCall {
  candidate: PlannedCandidate;
  slot: number;
  /** 1-based count of calls in this slot. */
  call: number;
  /** Seconds until the job's deadline, at least 1. */
  remainingSeconds: number;
}

/** `generateMedia` on the provider's own queue, under the limits of the candidate's policy. */
export function mediaActivity({ candidate, slot, call, remainingSeconds }: MediaCall) {
  const { policy } = candidate;
  // The deadline ends the wait for a free worker. A call under way may be paid, so it is never cut off by it.
  const waitSeconds = Math.ceil(Math.min(policy.scheduleToCloseSeconds, remainingSeconds));
  const retry = retryOf(policy);
  const attemptSeconds = policy.startToCloseSeconds + policy.retry.maximumSeconds;
  const { generateMedia } = proxyActivities<ProviderActivities>({
    startToCloseTimeout: policy.startToCloseSeconds * 1000,
    scheduleToStartTimeout: waitSeconds * 1000,
    scheduleToCloseTimeout: (waitSeconds + attemptSeconds * retry.maximumAttempts) * 1000,
    heartbeatTimeout: policy.heartbeatSeconds * 1000,
    retry,
    taskQueue: providerTaskQueue(workflowInfo().taskQueue, candidate.provider),
    activityId: `slot-${slot}-${call}`,
    summary: `slot ${slot} · ${candidate.provider} ${candidate.endpoint}`,
    // The provider must hear of a cancellation before the slot counts as cancelled.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return generateMedia;
}

/** `generateMedia` itself keeps to the policy's attempts; what comes on top are attempts to collect an accepted job. */
function retryOf({ retry }: ExecutionPolicy): RetryPolicy & { maximumAttempts: number } {
  return {
    initialInterval: retry.initialSeconds * 1000,
    backoffCoefficient: retry.backoffCoefficient,
    maximumInterval: retry.maximumSeconds * 1000,
    maximumAttempts: retry.maximumAttempts + resumeAttempts,
  };
}
