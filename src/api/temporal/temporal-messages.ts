import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  decideSlotUpdateName,
  probeNowSignalName,
  providerWatchId,
  retryNowUpdateName,
  type RetryNowResult,
  type SlotDecisionInput,
} from '../../domain/messages';
import { sendUpdate } from './send-update';
import { TemporalUnavailable, type TemporalPort } from './temporal-port';

/** How the messages get to Temporal. */
export interface MessageRoad {
  workflow: Client['workflow'];
  /** Of the workflows and the watches. */
  taskQueue: string;
  /** @throws TemporalUnavailable at once where there is no server to wait for. */
  reachable: () => Promise<void>;
  within: <Answer>(limitMs: number, call: () => Promise<Answer>) => Promise<Answer>;
}

/** Longest wait for a worker to take a message, in ms. */
const updateMs = 3000;
const signalMs = 1500;

/** What may be said to a running generation. */
export function temporalMessages({
  workflow,
  taskQueue,
  reachable,
  within,
}: MessageRoad): Pick<TemporalPort, 'decideSlot' | 'retryNow' | 'probeNow'> {
  return {
    async decideSlot(workflowId, decision) {
      await reachable();
      return await sendUpdate(async () => {
        const args: [SlotDecisionInput] = [decision];
        const handle = workflow.getHandle(workflowId);
        await within(updateMs, () => handle.executeUpdate(decideSlotUpdateName, { args }));
      });
    },

    async retryNow(workflowId) {
      await reachable();
      const handle = workflow.getHandle(workflowId);
      return await sendUpdate(() =>
        within(updateMs, () => handle.executeUpdate<RetryNowResult, []>(retryNowUpdateName)),
      );
    },

    async probeNow(provider) {
      const watch = workflow.getHandle(providerWatchId(taskQueue, provider));
      await within(signalMs, () => watch.signal(probeNowSignalName)).catch((cause: unknown) => {
        if (cause instanceof WorkflowNotFoundError) return;
        throw new TemporalUnavailable('Temporal cannot be reached right now.', { cause });
      });
    },
  };
}
