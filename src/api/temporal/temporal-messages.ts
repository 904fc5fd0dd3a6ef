import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import {
  type RetryNowResult,
  type SlotDecisionInput,
  decideSlotUpdateName,
  probeNowSignalName,
  providerWatchId,
  retryNowUpdateName,
} from '../../domain/messages';
import { type MessageOutcome, type TemporalPort, TemporalUnavailable } from './temporal-port';

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

/** Sends an update and sorts out what came of it. @throws TemporalUnavailable when Temporal itself refused it. */
async function sendUpdate<Result>(update: () => Promise<Result>): Promise<MessageOutcome<Result>> {
  try {
    return { kind: 'done', result: await update() };
  } catch (cause) {
    if (cause instanceof WorkflowUpdateFailedError) return { kind: 'rejected' };
    if (cause instanceof WorkflowNotFoundError) return { kind: 'gone' };
    if (cause instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { kind: 'unanswered' };
    throw new TemporalUnavailable('Temporal refused the message.', { cause });
  }
}
