import type { Readable } from 'node:stream';
import type { CallProgress, DispatchState } from '../domain/dispatch';
import type { StoredAsset } from '../domain/stored-asset';
import type { HttpDeadlines, WireInput } from '../domain/plan';
import type { JsonObject, JsonValue, ProviderName } from '../domain/taxonomy';
import type { ProviderCharge } from './errors';

export type { CallProgress, DispatchState, ProviderCharge };

/** One provider. Implementations retry nothing: exactly one paid submit per call of `generate`, at most. */
export interface ProviderClient {
  readonly provider: ProviderName;
  /** A submit whose answer was lost can be found by its job's key. Elsewhere its outcome stays unknown for ever. */
  readonly findsLostJobs: boolean;

  /**
   * Runs one job to the stored result, or picks up the job an earlier call left behind (`context.dispatch.previous`).
   *
   * @throws ProviderError for every failure but the caller's own abort, which rejects with the signal's reason
   * after the provider was told to stop.
   */
  generate(job: ProviderJob, context: CallContext): Promise<ProviderResult>;

  /**
   * Tells the provider to stop a job that nobody waits for any more. After a mere intent only a provider that finds
   * lost jobs can be told. Never throws, and takes some seconds at most.
   *
   * @returns what the job is billed: `none` when it never ran; `undefined` where nobody knows, also because the
   * provider could not be told.
   */
  stop(job: UnwantedJob, options: { signal: AbortSignal }): Promise<ProviderCharge | undefined>;

  /** A free request that shows whether the provider answers. Never throws. */
  checkHealth(options: HealthOptions): Promise<ProviderHealth>;
}

export interface HealthOptions {
  signal: AbortSignal;
  /** Narrows Modal to one app. */
  app?: string | undefined;
  /** How long a Modal app may take to answer, which it does late when it starts or is busy. Default: 10 s. */
  patienceSeconds?: number | undefined;
}

/** A job as its call left it. */
export interface UnwantedJob {
  jobKey: string;
  dispatch: DispatchState;
}

export interface ProviderHealth {
  healthy: boolean;
  detail: string;
  /** HTTP status of the answer, where there was one. */
  status?: number | undefined;
  /** Nobody answered in time where that is no fault yet: a cold Modal app takes minutes to start. */
  isSilent?: boolean | undefined;
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
}

export interface CallContext {
  /** Aborts for a real cancellation only, never because a worker shuts down. */
  signal: AbortSignal;
  dispatch: DispatchLog;
  media: MediaStore;
  onProgress(progress: CallProgress): void;
  /** After an abort, before the call rejects: what the stopped job is billed, where that is known. */
  onStopped?(charge: ProviderCharge | undefined): void;
}

/** Durable notes around the paid submit: a crash between the two leaves `intent`, that is "outcome unknown". */
export interface DispatchLog {
  /** Left by an earlier attempt of the same job. */
  readonly previous: DispatchState;
  /** Await immediately before the paid submit. */
  intent(): Promise<void>;
  /**
   * Await as soon as the provider named a way back to the job. May be called again with a better handle.
   *
   * @param providerRequestId the provider's own name for the job, by which a person finds it there
   */
  accepted(handle: JsonValue, providerRequestId?: string): Promise<void>;
}

/** The asset store as a provider sees it. */
export interface MediaStore {
  /** @throws ProviderError of class `input` when the asset is gone. */
  open(assetId: string): Promise<{ stream: Readable; mediaType: string; bytes: number }>;
  /**
   * Streams a picture or clip into the store and inspects it.
   * The media type is decided by magic bytes, never by a header.
   *
   * @throws MediaError when the bytes are empty, no known media, truncated, blank, too many or of the wrong size.
   */
  save(stream: Readable, options: SaveOptions): Promise<StoredAsset>;
}

export interface SaveOptions {
  signal: AbortSignal;
  expects: 'image' | 'video';
  /** Default: any size. */
  expectedSize?: PixelSize | undefined;
}

export interface PixelSize {
  width: number;
  height: number;
}

export interface ProviderResult {
  /** At least one. Flagged (censored) pictures are left out. */
  assets: [StoredAsset, ...StoredAsset[]];
  /** The provider's own figure in USD; absent when it gave none or nonsense. */
  costUsd?: number | undefined;
  executionSeconds?: number | undefined;
  providerRequestId?: string | undefined;
}
