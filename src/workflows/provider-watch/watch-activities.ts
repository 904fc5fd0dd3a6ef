import { ActivityFailure, isCancellation, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { CoreActivities, ProviderActivities } from '../../activities';
import type { ProviderName } from '../../domain/taxonomy';
import { providerTaskQueue } from '../../domain/task-queues';

/** Goes on trying while the database is away; what is written then is at least true of its time. */
export const { recordHealth } = proxyActivities<CoreActivities>({
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  summary: 'record health',
});

const { wakeJobs } = proxyActivities<CoreActivities>({
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  summary: 'wake jobs',
});

/** What a probe found. `not_asked`: no worker had room for it, or the worker was lost. */
export interface ProbeResult {
  kind: 'answered' | 'silent' | 'not_asked';
  detail: string;
}

/** Asks the provider once, from the workers that would also call it, ahead of everything that waits for them. */
export async function probe(provider: ProviderName): Promise<ProbeResult> {
  const { checkProvider } = proxyActivities<ProviderActivities>({
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '1 minute',
    heartbeatTimeout: '15 seconds',
    // The watch itself asks again, after its own wait.
    retry: { maximumAttempts: 1 },
    taskQueue: providerTaskQueue(workflowInfo().taskQueue, provider),
    priority: { priorityKey: 1 },
    summary: `probe ${provider}`,
  });
  try {
    const { healthy, detail } = await checkProvider({ provider });
    return { kind: healthy ? 'answered' : 'silent', detail };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { kind: 'not_asked', detail: error.cause?.message ?? error.message };
  }
}

/** Tells these jobs that the provider is up. Returns those that could not be told. */
export async function wake(provider: ProviderName, workflowIds: string[]): Promise<string[]> {
  try {
    return (await wakeJobs({ provider, workflowIds })).missed;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    log.error('waiting jobs could not be woken', { error, count: workflowIds.length });
    return workflowIds;
  }
}
