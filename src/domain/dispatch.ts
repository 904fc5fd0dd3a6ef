import type { AttemptRecord, StoredAsset } from './generation';
import type { PlannedCandidate } from './plan';
import type { DispatchCertainty, FailureClass, JsonValue } from './taxonomy';

/** What is durably known about the paid submit of a job. */
export type DispatchState =
  { phase: 'none' } | { phase: 'intent' } | { phase: 'accepted'; handle: JsonValue };

/** How far a running call is. */
export interface CallProgress {
  phase: 'uploading' | 'queued' | 'running' | 'downloading';
  /** Jobs ahead of this one. */
  queuePosition?: number | undefined;
  /** 0-1. */
  fraction?: number | undefined;
}

/** Heartbeat details of `generateMedia`: what the next attempt must know if this one dies. */
export interface DispatchNote {
  /** Temporal's attempt number that wrote this note. */
  attempt: number;
  startedAt: string;
  dispatch: DispatchState;
  /** Finished attempts of this activity, oldest first. */
  trail: AttemptRecord[];
  progress?: CallProgress | undefined;
}

export interface GenerateMediaInput {
  generationId: string;
  slot: number;
  /** Unique per paid job and the same in every attempt at it. */
  jobKey: string;
  candidate: PlannedCandidate;
}

export interface GenerateMediaResult {
  asset: StoredAsset;
  costUsd: number;
  /** The provider gave no figure; the price table's stands in. */
  costEstimated: boolean;
  providerRequestId?: string | undefined;
  trail: AttemptRecord[];
}

/** First detail of the `ApplicationFailure` that ends `generateMedia`; the failure's type is the failure class. */
export interface GenerateMediaFailure {
  failureClass: FailureClass;
  code: string;
  message: string;
  certainty: DispatchCertainty;
  /** Seconds the provider asked us to stay away. */
  retryAfterSeconds?: number | undefined;
  trail: AttemptRecord[];
}
