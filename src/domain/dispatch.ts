import type { AttemptRecord, Billing } from './attempt-record';
import type { StoredAsset } from './stored-asset';
import type { PlannedCandidate } from './plan';
import type { FailureCode, JobOutcome } from './failures';
import type { DispatchCertainty, JsonValue } from './taxonomy';

/** What is durably known about the paid submit of a job. */
export type DispatchState =
  | { phase: 'none' }
  /** The submit may have left. With a clue the provider can be asked for it; without one nobody can tell. */
  | ({ phase: 'intent'; clue?: JsonValue | undefined } & Keyed)
  | ({ phase: 'accepted'; handle: JsonValue; providerRequestId?: string | undefined } & Keyed);

/** `byKey`: whoever submits under the job's key, in whichever run, gets this one job. */
export interface Keyed {
  byKey?: true | undefined;
}

/** Whether the provider can be asked for the job. Nobody can tell what became of any other one. */
export function isFindable(dispatch: DispatchState): boolean {
  return dispatch.phase === 'accepted' || (dispatch.phase === 'intent' && dispatch.clue !== undefined);
}

/** The provider's own name for the job, where it is known. */
export function providerRequestIdOf(dispatch: DispatchState): string | undefined {
  return dispatch.phase === 'accepted' ? dispatch.providerRequestId : undefined;
}

/** Whether every submit under its key is this one job. */
export function goesByKey(dispatch: DispatchState): boolean {
  return dispatch.phase !== 'none' && dispatch.byKey === true;
}

/** How sure a dispatch state makes us that a paid job exists. */
export function certaintyOf(dispatch: DispatchState): DispatchCertainty {
  const byPhase = { none: 'not_sent', intent: 'unknown', accepted: 'accepted' } as const;
  return byPhase[dispatch.phase];
}

/** How far a running call is. */
export interface CallProgress {
  phase: 'uploading' | 'queued' | 'running' | 'downloading';
  /** Jobs ahead of this one. */
  queuePosition?: number | undefined;
  /** 0-1. */
  fraction?: number | undefined;
  /** Nothing was heard of the provider since then (ISO 8601): it works in silence, or hangs. */
  silentSince?: string | undefined;
}

/** Heartbeat details of `generateMedia`: what the next attempt must know if this one dies. */
export interface DispatchNote {
  /** Temporal's attempt number that wrote this note. */
  attempt: number;
  startedAt: string;
  dispatch: DispatchState;
  /** Task queue of the process that makes the call. A call without a way back can only be taken over there. */
  worker?: string | undefined;
  /** This attempt came as far as its own submit. */
  hasSubmitted?: boolean | undefined;
  /** Finished attempts of this activity, oldest first. */
  trail: AttemptRecord[];
  progress?: CallProgress | undefined;
}

export interface GenerateMediaInput {
  generationId: string;
  slot: number;
  /** The same in every attempt of this slot at this model, also in later rounds. */
  jobKey: string;
  candidate: PlannedCandidate;
  /**
   * What earlier calls of this job left behind. `none`: the job may be submitted. `accepted`: it must be collected.
   * `intent`: it must be found, and nothing may be paid where that is impossible.
   */
  previous: DispatchState;
  /** ISO 8601; nothing new is submitted after it. */
  deadlineAt: string;
  /** The slot's other jobs at this endpoint, by the provider's names: a look-up never takes one of them for this job. */
  knownRequestIds?: string[] | undefined;
  /** A person asks: what the provider asked of other calls does not count. */
  isUrged?: boolean | undefined;
  /**
   * An earlier submit of this slot may have been paid for nothing: the provider's health is asked first, and where it is not
   * well nothing is sent.
   */
  asksFirst?: boolean | undefined;
}

export interface GenerateMediaResult {
  asset: StoredAsset;
  costUsd: number;
  /** The provider gave no figure; the price table's stands in. */
  costEstimated: boolean;
  billing?: Billing | undefined;
  providerRequestId?: string | undefined;
  trail: AttemptRecord[];
}

/** First detail of the `ApplicationFailure` that ends `generateMedia`; the failure's type is the failure class. */
export interface GenerateMediaFailure {
  code: FailureCode;
  message: string;
  /** What it says of the paid job. */
  outcome: JobOutcome;
  /** What the next call of this job must know: `accepted` while it may still give its result, `intent` while nobody knows. */
  dispatch: DispatchState;
  /** Where the call may still be under way; see `DispatchNote.worker`. */
  worker?: string | undefined;
  providerRequestId?: string | undefined;
  /** Seconds the provider asked us to stay away. */
  retryAfterSeconds?: number | undefined;
  trail: AttemptRecord[];
}
