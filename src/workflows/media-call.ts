import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import type { DispatchNote, GenerateMediaFailure, GenerateMediaResult } from '../domain/dispatch';
import type { AttemptRecord } from '../domain/generation';
import type { PlannedCandidate } from '../domain/plan';
import type { DispatchCertainty, FailureClass } from '../domain/taxonomy';

/** How one `generateMedia` call ended. */
export type CallOutcome =
  | { kind: 'succeeded'; result: GenerateMediaResult; trail: AttemptRecord[] }
  | { kind: 'failed'; failure: GenerateMediaFailure; trail: AttemptRecord[] }
  | { kind: 'cancelled'; trail: AttemptRecord[] };

/** Turns the activity's promise into an outcome. Rethrows what is no answer of a provider: a defect of ours. */
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
    const detail = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
    if (detail === undefined) throw error;
    const failure = detail as GenerateMediaFailure;
    return { kind: 'failed', failure, trail: failure.trail };
  }
}

function trailOf(detail: unknown): AttemptRecord[] {
  return (detail as { trail?: AttemptRecord[] } | undefined)?.trail ?? [];
}

/** No worker took the call, or the last one that did fell silent: what it knew stands in its last heartbeat. */
function timedOut(timeout: TimeoutFailure, candidate: PlannedCandidate, startedAt: string): CallOutcome {
  const note = timeout.lastHeartbeatDetails as DispatchNote | undefined;
  const certainties = { none: 'not_sent', intent: 'unknown', accepted: 'accepted' } as const;
  const certainty: DispatchCertainty = certainties[note?.dispatch.phase ?? 'none'];
  const failureClass: FailureClass = 'outage';
  const message = `No answer within the time limit (${timeout.timeoutType ?? 'unspecified'}).`;
  const record: AttemptRecord = {
    number: note?.attempt ?? 1,
    provider: candidate.provider,
    endpoint: candidate.endpoint,
    outcome: 'failed',
    startedAt: note?.startedAt ?? startedAt,
    seconds: (Date.now() - Date.parse(note?.startedAt ?? startedAt)) / 1000,
    errorClass: failureClass,
    errorCode: 'activity_timed_out',
    message,
    certainty,
  };
  const trail = [...(note?.trail ?? []), record];
  return {
    kind: 'failed',
    trail,
    failure: { failureClass, code: 'activity_timed_out', message, certainty, trail },
  };
}
