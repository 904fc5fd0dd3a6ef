import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import type { AttemptRecord } from '../../domain/attempt-record';
import {
  certaintyOf,
  goesByKey,
  providerRequestIdOf,
  type DispatchNote,
  type DispatchState,
  type GenerateMediaFailure,
  type GenerateMediaResult,
} from '../../domain/dispatch';
import { failureOf, outcomeFrom } from '../../domain/failures';
import type { PlannedCandidate } from '../../domain/plan';
import { moneyOf } from './attempts';
import { atRisk, free } from './rules/ledger';
import type { Outcome } from './rules/apply';

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

/** How one `generateMedia` call ended: in the words of the ledger, and what it adds to the attempts. */
export interface EndedCall {
  outcome: Outcome;
  trail: AttemptRecord[];
  result?: GenerateMediaResult | undefined;
}

/** Rethrows what can only be a defect of this workflow. */
export async function outcomeOf(promise: Promise<GenerateMediaResult>, call: MadeCall): Promise<EndedCall> {
  try {
    const result = await promise;
    const { costUsd: usd, costEstimated: estimated, billing, trail } = result;
    return { outcome: { kind: 'made', money: { kind: 'cost', usd, estimated, billing } }, trail, result };
  } catch (error) {
    const cause: unknown = error instanceof ActivityFailure ? error.cause : error;
    if (cause instanceof CancelledFailure) return stopped(cause.details[0], call);
    if (cause instanceof TimeoutFailure) return timedOut(cause, call);
    if (!(cause instanceof ApplicationFailure)) throw error;
    const failure = cause.details?.[0] as GenerateMediaFailure | undefined;
    return failure === undefined ? unexplained(call) : failed(failure);
  }
}

/** Not the activity's own word, such as of a worker that does not know it: what was known of the job before still holds. */
function unexplained(call: MadeCall): EndedCall {
  const { previous } = call;
  return withoutAnswer(call, 'internal_error', previous.phase === 'none' ? { phase: 'intent' } : previous);
}

function failed(failure: GenerateMediaFailure): EndedCall {
  const { code, message, outcome: word, dispatch: trace, worker, retryAfterSeconds, trail } = failure;
  const latest = trail.at(-1);
  const retryAfterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000;
  const known = { money: moneyOf(latest), retryAfterMs, tookMs: (latest?.seconds ?? 0) * 1000 };
  return { outcome: { kind: 'failed', code, message, word, trace, worker, ...known }, trail };
}

/** Without a trail it was stopped before anybody took it: what was open still is. */
function stopped(detail: unknown, { previous, candidate }: MadeCall): EndedCall {
  const { trail = [], dispatch } = (detail ?? {}) as { trail?: AttemptRecord[]; dispatch?: DispatchState };
  const latest = trail.at(-1);
  const trace = dispatch ?? (latest === undefined ? previous : { phase: 'none' });
  const isUnsent = latest === undefined ? previous.phase === 'none' : latest.certainty === 'not_sent';
  const money = moneyOf(latest) ?? (isUnsent ? free : atRisk({ kind: 'committed', usd: candidate.priceUsd }));
  return { outcome: { kind: 'stopped', money, trace }, trail };
}

/** No worker took the call, or the one that did fell silent: what it knew stands in its last heartbeat. */
function timedOut(timeout: TimeoutFailure, call: MadeCall): EndedCall {
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
  { candidate, jobKey, previous, ...call }: MadeCall,
  code: keyof typeof messages,
  dispatch: DispatchState,
  note?: DispatchNote,
): EndedCall {
  const message = messages[code];
  const certainty = code === 'no_worker' ? 'not_sent' : certaintyOf(dispatch);
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
    certainty: sentNothing(code, previous, dispatch, note) ? 'not_sent' : certainty,
    providerRequestId: providerRequestIdOf(dispatch),
    ...(goesByKey(dispatch) && { byKey: true }),
  };
  const trail = [...(note?.trail ?? []), record];
  return failed({ code, message, outcome: outcomeFrom(certainty), dispatch, worker: note?.worker, trail });
}

/** A call that was to find out about an earlier submit, and made none of its own: the doubt stands with that one. */
function sentNothing(
  code: keyof typeof messages,
  previous: DispatchState,
  { phase }: DispatchState,
  note: DispatchNote | undefined,
): boolean {
  if (code === 'outcome_unknown') return true;
  if (phase !== 'intent') return false;
  return note === undefined ? previous.phase === 'intent' : note.hasSubmitted === false;
}
