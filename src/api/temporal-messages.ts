import type { Client } from '@temporalio/client';
import {
  decideSlotUpdateName,
  retryNowUpdateName,
  type RetryNowResult,
  type SlotDecisionInput,
} from '../domain/messages';
import { sendUpdate } from './send-update';
import type { TemporalPort } from './temporal-port';

/** How the messages get to Temporal. */
export interface MessageRoad {
  workflow: Client['workflow'];
  /** @throws TemporalUnavailable at once where there is no server to wait for. */
  reachable: () => Promise<void>;
  within: <Answer>(limitMs: number, call: () => Promise<Answer>) => Promise<Answer>;
}

/** Longest wait for a worker to take a message, in ms. */
const updateMs = 3000;

/** What may be said to a running generation. */
export function temporalMessages({
  workflow,
  reachable,
  within,
}: MessageRoad): Pick<TemporalPort, 'decideSlot' | 'retryNow'> {
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
  };
}
