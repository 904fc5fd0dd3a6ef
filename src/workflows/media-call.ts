import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import {
  certaintyOf,
  handleOf,
  type DispatchNote,
  type GenerateMediaFailure,
  type GenerateMediaResult,
} from '../domain/dispatch';
import type { AttemptRecord } from '../domain/generation';
import type { PlannedCandidate } from '../domain/plan';
import type { DispatchCertainty, FailureClass } from '../domain/taxonomy';

/** How one `generateMedia` call ended. */
export type CallOutcome =
  | { kind: 'succeeded'; result: GenerateMediaResult; trail: AttemptRecord[] }
  | { kind: 'failed'; failure: GenerateMediaFailure; trail: AttemptRecord[] }
  | { kind: 'cancelled'; trail: AttemptRecord[] };

/** Turns the activity's promise into an outcome. Rethrows what can only be a defect of this workflow. */
export async function outcomeOf(
  promise: Promise<GenerateMediaResult>,
  candidate: PlannedCandidate,
  startedAt: string,
): Promise<CallOutcome> {
  try {
    const result = await promise;
    return { kind: 'succeeded', result, trail: result.trail };
  } catch (error) {
    const cause: unknown = error instanceof ActivityFailure ? error.cause : error;
    if (cause instanceof CancelledFailure) return { kind: 'cancelled', trail: trailOf(cause.details[0]) };
    if (cause instanceof TimeoutFailure) return timedOut(cause, candidate, startedAt);
    if (!(cause instanceof ApplicationFailure)) throw error;
    const failure = cause.details?.[0] as GenerateMediaFailure | undefined;
    if (failure === undefined)
      return withoutAnswer({ candidate, startedAt, code: 'internal_error', certainty: 'unknown' });
    return { kind: 'failed', failure, trail: failure.trail };
  }
}

function trailOf(detail: unknown): AttemptRecord[] {
  return (detail as { trail?: AttemptRecord[] } | undefined)?.trail ?? [];
}

/** No worker took the call, or the last one that did fell silent: what it knew stands in its last heartbeat. */
function timedOut(timeout: TimeoutFailure, candidate: PlannedCandidate, startedAt: string): CallOutcome {
  const note = timeout.lastHeartbeatDetails as DispatchNote | undefined;
  const certainty = certaintyOf(note?.dispatch ?? { phase: 'none' });
  return withoutAnswer({ candidate, startedAt, note, certainty, code: 'activity_timed_out' });
}

interface SilentCall {
  candidate: PlannedCandidate;
  startedAt: string;
  note?: DispatchNote | undefined;
  certainty: DispatchCertainty;
  code: 'activity_timed_out' | 'internal_error';
}

const messages = {
  activity_timed_out: 'No answer within the time limit.',
  internal_error: 'The worker failed while it handled this call.',
};

/** A call that ended without the activity's own account of it. */
function withoutAnswer({ candidate, note, certainty, code, ...call }: SilentCall): CallOutcome {
  const failureClass: FailureClass = 'outage';
  const message = messages[code];
  const startedAt = note?.startedAt ?? call.startedAt;
  const record: AttemptRecord = {
    number: note?.attempt ?? 1,
    provider: candidate.provider,
    endpoint: candidate.endpoint,
    outcome: 'failed',
    startedAt,
    seconds: (Date.now() - Date.parse(startedAt)) / 1000,
    errorClass: failureClass,
    errorCode: code,
    message,
    certainty,
    ...(certainty === 'unknown' && { possibleCostUsd: candidate.priceUsd }),
  };
  const trail = [...(note?.trail ?? []), record];
  const handle = note === undefined ? undefined : handleOf(note.dispatch);
  return { kind: 'failed', trail, failure: { failureClass, code, message, certainty, handle, trail } };
}
