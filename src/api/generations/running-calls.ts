import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { z } from 'zod';
import { failureClasses } from '../../domain/taxonomy';
import type { RunningCall } from '../temporal/temporal-port';

type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

/** Activity ids of provider calls are `slot-<slot>-<call>`. */
const callId = /^slot-(\d+)-\d+$/;

/** What we show of a heartbeat note (`DispatchNote`); a note of another release must not break the answer. */
const noteSchema = z.object({
  progress: z
    .object({
      phase: z.enum(['uploading', 'queued', 'running', 'downloading']),
      queuePosition: z.number().optional(),
      fraction: z.number().optional(),
      silentSince: z.string().optional(),
    })
    .optional(),
});

/** The provider calls among a workflow's pending activities. */
export function runningCalls(pending: readonly PendingActivity[]): RunningCall[] {
  return pending.flatMap((activity) => {
    const slot = callId.exec(activity.activityId ?? '')?.[1];
    return slot === undefined ? [] : [toRunningCall(Number(slot), activity)];
  });
}

function toRunningCall(slot: number, activity: PendingActivity): RunningCall {
  // PENDING_ACTIVITY_STATE_STARTED; anything else waits for a worker or for its next try.
  const isStarted = Number(activity.state) === 2;
  return {
    slot,
    attempt: activity.attempt ?? 1,
    since: isStarted ? toIsoString(activity.lastStartedTime) : undefined,
    lastError: callerSafeMessage(activity.lastFailure),
    progress: isStarted ? progressOf(activity) : undefined,
  };
}

function progressOf(activity: PendingActivity): RunningCall['progress'] {
  const payload = activity.heartbeatDetails?.payloads?.[0];
  if (payload === undefined) return undefined;
  const note = noteSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
  return note.success ? note.data.progress : undefined;
}

/** Provider errors are written for callers; anything else may hold a path or a stack. */
function callerSafeMessage(failure: PendingActivity['lastFailure']): string | undefined {
  if (!failure) return undefined;
  const type = failure.applicationFailureInfo?.type;
  if (failureClasses.some((failureClass) => failureClass === type)) return failure.message ?? undefined;
  return failure.timeoutFailureInfo ? 'The worker fell silent.' : 'The call failed.';
}

function toIsoString(time: PendingActivity['lastStartedTime']): string | undefined {
  if (!time) return undefined;
  return new Date(Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1e6).toISOString();
}
