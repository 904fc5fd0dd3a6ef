import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import {
  certaintyOf,
  providerRequestIdOf,
  type DispatchNote,
  type DispatchState,
  type GenerateMediaFailure,
  type GenerateMediaResult,
} from '../../domain/dispatch';
import type { AttemptRecord } from '../../domain/attempt-record';
import { failureOf, outcomeFrom } from '../../domain/failures';
import type { PlannedCandidate } from '../../domain/plan';

/** How one `generateMedia` call ended. */
export type CallOutcome =
  | { kind: 'succeeded'; result: GenerateMediaResult; trail: AttemptRecord[] }
  | { kind: 'failed'; failure: GenerateMediaFailure; trail: AttemptRecord[] }
  | { kind: 'cancelled'; trail: AttemptRecord[]; dispatch?: DispatchState | undefined };

/** The call as the workflow made it. */
export interface MadeCall {
  candidate: PlannedCandidate;
  jobKey: string;
  previous: DispatchState;
  /** ISO 8601. */
  startedAt: string;
  /** The one process that may still make the call. */
  worker?: string | undefined;
}

/** Whether the call may have been paid. */
export function maySpend(outcome: CallOutcome): boolean {
  return outcome.kind !== 'failed' || outcome.failure.outcome !== 'nothing_sent';
}

/** Turns the activity's promise into an outcome. Rethrows what can only be a defect of this workflow. */
export async function outcomeOf(promise: Promise<GenerateMediaResult>, call: MadeCall): Promise<CallOutcome> {
  try {
    const result = await promise;
    return { kind: 'succeeded', result, trail: result.trail };
  } catch (error) {
    const cause: unknown = error instanceof ActivityFailure ? error.cause : error;
    if (cause instanceof CancelledFailure) return cancelled(cause.details[0]);
    if (cause instanceof TimeoutFailure) return timedOut(cause, call);
    if (!(cause instanceof ApplicationFailure)) throw error;
    const failure = cause.details?.[0] as GenerateMediaFailure | undefined;
    if (failure === undefined) return withoutAnswer(call, 'internal_error', { phase: 'intent' });
    return { kind: 'failed', failure, trail: failure.trail };
  }
}

function cancelled(detail: unknown): CallOutcome {
  const { trail = [], dispatch } = (detail ?? {}) as { trail?: AttemptRecord[]; dispatch?: DispatchState };
  return { kind: 'cancelled', trail, dispatch };
}

/** No worker took the call, or the one that did fell silent: what it knew stands in its last heartbeat. */
function timedOut(timeout: TimeoutFailure, call: MadeCall): CallOutcome {
  const note = timeout.lastHeartbeatDetails as DispatchNote | undefined;
  const isUntaken = timeout.timeoutType === 'SCHEDULE_TO_START';
  const dispatch = isUntaken ? call.previous : (note?.dispatch ?? call.previous);
  const untaken = call.worker === undefined ? 'no_worker' : 'outcome_unknown';
  return withoutAnswer(call, isUntaken ? untaken : 'activity_timed_out', dispatch, note);
}

const messages = {
  no_worker: 'No worker took this call in time.',
  outcome_unknown: 'The process that made this call is gone, and nobody else can ask for its job.',
  activity_timed_out: 'The worker running this call stopped without an answer.',
  internal_error: 'The worker failed while it handled this call.',
};

/** A call that ended without the activity's own account of it. */
function withoutAnswer(
  { candidate, jobKey, ...call }: MadeCall,
  code: keyof typeof messages,
  dispatch: DispatchState,
  note?: DispatchNote,
): CallOutcome {
  const message = messages[code];
  const certainty = code === 'no_worker' ? 'not_sent' : certaintyOf(dispatch);
  const worker = note?.worker;
  const startedAt = note?.startedAt ?? call.startedAt;
  const record: AttemptRecord = {
    number: note?.attempt ?? 1,
    provider: candidate.provider,
    endpoint: candidate.endpoint,
    jobKey,
    outcome: 'failed',
    startedAt,
    seconds: (Date.now() - Date.parse(startedAt)) / 1000,
    errorClass: failureOf(code).class,
    errorCode: code,
    message,
    certainty: sentNothing(code, dispatch, note) ? 'not_sent' : certainty,
    providerRequestId: providerRequestIdOf(dispatch),
  };
  const trail = [...(note?.trail ?? []), record];
  const outcome = outcomeFrom(certainty);
  const failure = { code, message, outcome, dispatch, worker, trail };
  return { kind: 'failed', trail, failure };
}

/** A call that was to find out about an earlier submit, and made none of its own: the doubt stands with that one. */
function sentNothing(
  code: keyof typeof messages,
  { phase }: DispatchState,
  note: DispatchNote | undefined,
): boolean {
  if (code === 'outcome_unknown') return true;
  if (code !== 'activity_timed_out' || phase !== 'intent') return false;
  return note === undefined || note.hasSubmitted === false;
}
