import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ProviderWatches } from '../activities/watches';
import {
  outageSignalName,
  parkSignalName,
  providerUpSignalName,
  providerWatchId,
  type OutageReport,
  type ParkedJob,
  type ProviderUp,
} from '../domain/messages';
import { providerWatchType, type ProviderWatchInput, type WatchPolicy } from '../domain/provider-watch';
import { providerAttribute } from '../domain/search-attributes';
import type { ProviderName } from '../domain/taxonomy';
import { watchPolicyOf } from '../registry/watch-policy';

/**
 * The watches behind one task queue: emulated and real providers have watches of their own. A watch keeps to the policy
 * it began with.
 *
 * @param policy of all of them; left out: each provider's own
 */
export function createProviderWatches(
  client: Client,
  taskQueue: string,
  policy?: WatchPolicy,
): ProviderWatches {
  const tell = async (provider: ProviderName, signal: string, message: OutageReport | ParkedJob) => {
    const input: ProviderWatchInput = { provider, policy: policy ?? watchPolicyOf(provider) };
    await client.workflow.signalWithStart(providerWatchType, {
      taskQueue,
      workflowId: providerWatchId(taskQueue, provider),
      args: [input],
      signal,
      signalArgs: [message],
      staticSummary: `health of ${provider}`,
      typedSearchAttributes: [{ key: providerAttribute, value: [provider] }],
    });
  };
  return {
    reportOutage: (provider, report) => tell(provider, outageSignalName, report),
    park: (provider, workflowId) => tell(provider, parkSignalName, { workflowId }),

    async wake(provider, workflowId) {
      const message: ProviderUp = { provider };
      await client.workflow
        .getHandle(workflowId)
        .signal(providerUpSignalName, message)
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    },
  };
}
