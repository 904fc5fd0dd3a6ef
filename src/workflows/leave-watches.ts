import { defineSignal, getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import { leaveSignalName, providerWatchId, type ParkedJob } from '../domain/messages';
import type { ProviderName } from '../domain/taxonomy';
import type { GenerationRun } from './generation/generation-run';

const leaveSignal = defineSignal<[ParkedJob]>(leaveSignalName);

/**
 * Takes the job off the lists of watches for which none of its slots waits any more: it was cancelled, was served elsewhere,
 * or its deadline passed. A job that was woken is on none.
 */
export function leaveWatches(run: GenerationRun): void {
  for (const provider of [...run.parkedAt].filter((name) => !isAwaited(run, name))) {
    run.parkedAt.delete(provider);
    run.cleanUps.push(leave(provider));
  }
}

function isAwaited({ state: { slots } }: GenerationRun, provider: ProviderName): boolean {
  return slots.some(({ status, waiting }) => status === 'waiting' && waiting?.watched.includes(provider));
}

/** It only keeps a count right: a watch that has ended has no list. */
async function leave(provider: ProviderName): Promise<void> {
  const { taskQueue, workflowId } = workflowInfo();
  try {
    await getExternalWorkflowHandle(providerWatchId(taskQueue, provider)).signal(leaveSignal, { workflowId });
  } catch (error) {
    log.debug('no watch to leave', { error, provider });
  }
}
