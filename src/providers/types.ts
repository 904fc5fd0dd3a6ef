import type { CallProgress, DispatchState } from '../domain/dispatch';
import type { MediaStore, PixelSize } from '../domain/media';
import type { StoredAsset } from '../domain/stored-asset';
import type { HttpDeadlines, WireInput } from '../domain/plan';
import type { Billing } from '../domain/attempt-record';
import type { JsonObject, JsonValue, ProviderName } from '../domain/taxonomy';
import type { ProviderCharge } from './errors';

export type { CallProgress, DispatchState, ProviderCharge };

/**
 * One provider in five verbs. Implementations retry no paid request: Temporal owns retries.
 *
 * A submit is short. Everything else is free and may be repeated by anybody at any time.
 */
export interface ProviderClient {
  readonly provider: ProviderName;

  /**
   * Sends the one paid request. Awaits `context.intent` right before it.
   *
   * @throws ProviderError. Its `certainty` says whether a job may exist.
   */
  submit(job: ProviderJob, context: SubmitContext): Promise<Submitted>;

  /**
   * Looks for a submit whose answer was lost.
   *
   * @param clue what the submit left with its intent
   * @throws ProviderError when the provider cannot be asked.
   */
  find(job: ProviderJob, clue: JsonValue, context: FindContext): Promise<Found>;

  /**
   * Waits for an accepted job and stores its result.
   *
   * @param handle what the submit or an earlier `collect` recorded
   * @throws ProviderError. The job stays open unless the error says `endsJob`.
   */
  collect(job: ProviderJob, handle: JsonValue, context: CollectContext): Promise<ProviderResult>;

  /** Stops a job that nobody wants any more. Never throws, and takes some seconds at most. */
  stop(job: UnwantedJob, options: { signal: AbortSignal }): Promise<Stopped>;

  /**
   * Whether the job that a clue or handle leads to is the only one its key ever names: whatever was submitted under that
   * key before was this job. Left out: a key names nothing there.
   */
  goesByKey?(way: JsonValue): boolean;

  /** A free request that shows whether the provider answers. Never throws. */
  checkHealth(options: HealthOptions): Promise<ProviderHealth>;
}

/** How a submit was answered. */
export type Submitted =
  | { kind: 'accepted'; handle: JsonValue; providerRequestId?: string | undefined }
  /** The answer is the result itself: a plain Modal call. */
  | { kind: 'finished'; result: ProviderResult };

/** What is known of a submit whose answer was lost. */
export type Found =
  | { kind: 'accepted'; handle: JsonValue; providerRequestId?: string | undefined }
  /** It was not accepted, and never will be: another job may be paid. */
  | { kind: 'never' }
  /** The provider answers, and cannot tell yet. */
  | { kind: 'cannot_tell'; reason: string; askAgainSeconds: number };

/** What became of a job that was to be stopped. */
export type Stopped =
  /** It was not accepted, and never will be. It costs nothing. */
  | { kind: 'never' }
  /**
   * It was told to stop, and is billed so. With a handle, what it came to can still be read there: it may have been made
   * before the word reached it.
   */
  | { kind: 'stopped'; charge: ProviderCharge; handle?: JsonValue | undefined }
  /** It ended before it could be stopped. Its result can be collected. */
  | { kind: 'finished'; handle: JsonValue }
  /** The provider stops nothing: the job runs to its end and is billed. Its result can be collected then. */
  | { kind: 'unstoppable'; handle: JsonValue }
  /** The provider was not reached, or did not say. */
  | { kind: 'cannot_tell'; reason: string };

export interface FindContext {
  /** Aborts for a real cancellation, and when the time of this call is over. */
  signal: AbortSignal;
}

export interface SubmitContext extends FindContext {
  media: MediaStore;
  onProgress(progress: CallProgress): void;
  /**
   * Durable when it resolves: a submit may leave now.
   *
   * @param clue by which `find` knows the submit again. Left out where nobody can find it.
   */
  intent(clue?: JsonValue): Promise<void>;
}

export interface CollectContext extends FindContext {
  media: MediaStore;
  onProgress(progress: CallProgress): void;
  /** Records a better handle. */
  remember(handle: JsonValue): Promise<void>;
}

export interface HealthOptions {
  signal: AbortSignal;
  /** Narrows Modal to one app. */
  app?: string | undefined;
  /** How long a Modal app may take to answer, which it does late when it starts or is busy. Default: 10 s. */
  patienceSeconds?: number | undefined;
}

/** A job as its call left it. Only one that was accepted, or that left a clue, can be stopped. */
export interface UnwantedJob extends ProviderJob {
  dispatch: DispatchState;
}

export interface ProviderHealth {
  healthy: boolean;
  detail: string;
  /** HTTP status of the answer, where there was one. */
  status?: number | undefined;
  /** Nobody answered in time where that is no fault yet: a cold Modal app takes minutes to start. */
  isSilent?: boolean | undefined;
  /** Modal: whether the app that was asked takes named jobs. Absent when it did not say. */
  named?: boolean | undefined;
}

export interface ProviderJob {
  /** Deterministic and unique per paid job; ComfyUI's `prompt_id` derives from it. */
  jobKey: string;
  /** Modal path, Fal endpoint id or ComfyUI graph name. */
  endpoint: string;
  /** Modal app. */
  app?: string | undefined;
  /** Wire body without the input pictures. */
  parameters: JsonObject;
  inputs: WireInput[];
  mediaKind: 'image' | 'video';
  /** Pixels the wire body fixes; a picture that is far from it is refused. Default: any size. */
  expectedSize?: PixelSize | undefined;
  deadlines: HttpDeadlines;
  /** The provider's own ids of earlier jobs of this slot, which `find` must not take for the one it looks for. */
  knownRequestIds?: readonly string[] | undefined;
}

/** What a call needs from its caller; see `runJob`. */
export interface CallContext {
  /** Aborts for a real cancellation only, never because a worker shuts down. */
  signal: AbortSignal;
  dispatch: DispatchLog;
  media: MediaStore;
  onProgress(progress: CallProgress): void;
  /** After an abort, before the call rejects: what became of the job. */
  onStopped?(stopped: Stopped): void;
}

/** Durable notes around the paid submit: a crash between the two leaves `intent`. */
export interface DispatchLog {
  /** Left by an earlier attempt of the same job. */
  readonly previous: DispatchState;
  /** Await immediately before the paid submit. */
  intent(clue?: JsonValue): Promise<void>;
  /** The submit did not reach the provider, and never will. */
  undone(): void;
  /**
   * Await as soon as the provider named a way back to the job. May be called again with a better handle.
   *
   * @param providerRequestId the provider's own name for the job, by which a person finds it there
   */
  accepted(handle: JsonValue, providerRequestId?: string): Promise<void>;
}

export interface ProviderResult {
  /** At least one. Flagged (censored) pictures are left out. */
  assets: [StoredAsset, ...StoredAsset[]];
  /** The provider's own figure in USD; absent when it gave none or nonsense. */
  costUsd?: number | undefined;
  executionSeconds?: number | undefined;
  providerRequestId?: string | undefined;
  /** How the provider counts what it charges, where it says so. */
  billing?: Billing | undefined;
}
