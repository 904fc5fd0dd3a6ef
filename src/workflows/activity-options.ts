import {
  ActivityCancellationType,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
  type RetryPolicy,
} from '@temporalio/workflow';
import type { CoreActivities, ProviderActivities } from '../activities';
import type { ReserveSpendInput, ReserveSpendResult } from '../activities/spend';
import type { SavedGeneration, SaveGenerationInput } from '../activities/save-generation';
import type { SettleJobInput, SettleJobResult } from '../activities/settle-job';
import type { ExecutionPolicy, PlannedCandidate } from '../domain/plan';
import { providerTaskQueue } from '../domain/task-queues';

/**
 * One try in the very process that runs the workflow: no task of its own, and no copy of the state in history. A database
 * that is away must not hold up the workflow for long.
 */
const saveHere = proxyLocalActivities<CoreActivities>({
  startToCloseTimeout: '3 seconds',
  scheduleToCloseTimeout: '3 seconds',
  retry: { maximumAttempts: 1 },
  summary: 'save state',
});

/** Never gives up while the database is away: a result that cannot be read later is a lost result. */
const saveLater = proxyActivities<CoreActivities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '30 days',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  summary: 'save state',
});

export async function saveGeneration(input: SaveGenerationInput): Promise<SavedGeneration> {
  try {
    return await saveHere.saveGeneration(input);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return await saveLater.saveGeneration(input);
  }
}

/** Asks for more than was set aside for the job; a limit that cannot be read is waited for until the job's deadline. */
export async function reserveSpend(
  input: ReserveSpendInput,
  remainingSeconds: number,
): Promise<ReserveSpendResult> {
  const activities = proxyActivities<CoreActivities>({
    startToCloseTimeout: '30 seconds',
    scheduleToCloseTimeout: Math.max(1, Math.ceil(remainingSeconds)) * 1000,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary: 'reserve spending',
  });
  return await activities.reserveSpend(input);
}

/** Leaves the job's address with the watches of providers that are down. */
export const { joinWatches } = proxyActivities<CoreActivities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  summary: 'wait for providers',
});

/** One look at a job that nobody waits for any more. The workflow repeats it. */
export async function settleJob(input: SettleJobInput): Promise<SettleJobResult> {
  const { provider, endpoint } = input.candidate;
  const activities = proxyActivities<ProviderActivities>({
    startToCloseTimeout: '2 minutes',
    scheduleToCloseTimeout: '10 minutes',
    heartbeatTimeout: '20 seconds',
    retry: { initialInterval: '1 second', maximumAttempts: 3 },
    taskQueue: providerTaskQueue(workflowInfo().taskQueue, provider),
    // Behind the calls that wait for the same workers it would often come too late.
    priority: { priorityKey: 1 },
    summary: `stop or collect a job at ${provider} ${endpoint}`,
  });
  return await activities.settleJob(input);
}

export interface MediaCall {
  candidate: PlannedCandidate;
  slot: number;
  /** 1-based count of calls in this slot. */
  call: number;
  /** 1 in the first round through the candidates. */
  round: number;
  /** Seconds until the job's deadline, at least 1. */
  remainingSeconds: number;
  /** Task queue of the one process that may still make this call. Default: any worker of the provider. */
  worker?: string | undefined;
}

/**
 * A process that is there takes a call at once; one that was cut off from Temporal for half a minute does so within ten
 * seconds of its return. Until then it cannot be told from one that is gone, and a job that is paid again costs more than
 * the wait.
 */
const processTakesSeconds = 40;

/** `generateMedia` on the provider's own queue, under the limits of the candidate's policy. */
export function mediaActivity({ candidate, slot, call, round, remainingSeconds, worker }: MediaCall) {
  const { policy } = candidate;
  // The deadline ends the wait for a free worker. A call under way may be paid, so it is never cut off by it.
  const longestWait = worker === undefined ? policy.scheduleToStartSeconds : processTakesSeconds;
  const waitSeconds = Math.max(1, Math.ceil(Math.min(longestWait, remainingSeconds)));
  const attemptSeconds = policy.startToCloseSeconds + policy.retry.maximumSeconds;
  const { generateMedia } = proxyActivities<ProviderActivities>({
    startToCloseTimeout: policy.startToCloseSeconds * 1000,
    scheduleToStartTimeout: waitSeconds * 1000,
    scheduleToCloseTimeout: (waitSeconds + attemptSeconds * policy.retry.maximumAttempts) * 1000,
    heartbeatTimeout: policy.heartbeatSeconds * 1000,
    retry: retryOf(policy, round),
    taskQueue: worker ?? providerTaskQueue(workflowInfo().taskQueue, candidate.provider),
    activityId: `slot-${slot}-${call}`,
    summary: `slot ${slot} · ${candidate.provider} ${candidate.endpoint}`,
    // The provider must hear of a cancellation before the slot counts as cancelled.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return generateMedia;
}

/**
 * Temporal repeats what surely sent nothing. A worker that fell silent may have paid: that comes back to the workflow, with
 * the last heartbeat. The server knows timeouts by these names (service/history/workflow/retry.go).
 */
function retryOf({ retry }: ExecutionPolicy, round: number): RetryPolicy {
  return {
    initialInterval: retry.initialSeconds * 1000,
    backoffCoefficient: retry.backoffCoefficient,
    maximumInterval: retry.maximumSeconds * 1000,
    // Later rounds find out whether a provider is back; they need not press it.
    maximumAttempts: round > 1 ? 1 : retry.maximumAttempts,
    nonRetryableErrorTypes: ['TemporalTimeout:StartToClose', 'TemporalTimeout:Heartbeat'],
  };
}
