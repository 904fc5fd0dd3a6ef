import { Context } from '@temporalio/activity';
import type { ProviderName } from '../domain/taxonomy';
import type { ProviderWatches } from './provider-watches';

export interface WakeJobsInput {
  provider: ProviderName;
  workflowIds: string[];
}

export interface WakeJobsResult {
  /** Jobs that could not be told just now. */
  missed: string[];
}

/** Signals on their way at once: more gain nothing, the server is busy carrying the woken jobs on. */
const atOnce = 20;

/** Tells waiting jobs that a provider is up. A retry goes on behind the last group that was told. */
export function createWakeJobs(watches: Pick<ProviderWatches, 'wake'>) {
  return async function wakeJobs({ provider, workflowIds }: WakeJobsInput): Promise<WakeJobsResult> {
    const context = Context.current();
    const told = (context.info.heartbeatDetails as WakeProgress | undefined) ?? { count: 0, missed: [] };
    while (told.count < workflowIds.length) {
      const group = workflowIds.slice(told.count, told.count + atOnce);
      const answers = await Promise.allSettled(group.map((id) => watches.wake(provider, id)));
      told.missed.push(...group.filter((_, index) => answers[index]?.status === 'rejected'));
      told.count += group.length;
      context.heartbeat(told);
    }
    return { missed: told.missed };
  };
}

interface WakeProgress extends WakeJobsResult {
  count: number;
}
