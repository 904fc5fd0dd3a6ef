import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ProviderName } from '../domain/taxonomy';
import type { ProviderWatches } from './provider-watches';

/** Puts the calling workflow on the list of these providers' watches: each wakes it once its provider is up. */
export function createJoinWatches(watches: Pick<ProviderWatches, 'park'>) {
  return async function joinWatches({ providers }: { providers: ProviderName[] }): Promise<void> {
    const job = Context.current().info.workflowExecution;
    if (job === undefined) throw ApplicationFailure.nonRetryable('joinWatches was not called by a workflow');
    await Promise.all(providers.map((provider) => watches.park(provider, job.workflowId)));
  };
}
