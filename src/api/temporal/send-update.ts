import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { TemporalUnavailable, type MessageOutcome } from './temporal-port';

/** Sends an update and sorts out what came of it. @throws TemporalUnavailable when Temporal itself refused it. */
export async function sendUpdate<Result>(update: () => Promise<Result>): Promise<MessageOutcome<Result>> {
  try {
    return { kind: 'done', result: await update() };
  } catch (cause) {
    if (cause instanceof WorkflowUpdateFailedError) return { kind: 'rejected' };
    if (cause instanceof WorkflowNotFoundError) return { kind: 'gone' };
    if (cause instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { kind: 'unanswered' };
    throw new TemporalUnavailable('Temporal refused the message.', { cause });
  }
}
