import type { StoredAsset } from './stored-asset';
import type { Coherence, UnknownOutcome } from './requests';
import type { JsonObject, ProviderName } from './taxonomy';

/** What keeps the character recognisable on a route. */
export type Identity = 'lora' | 'reference' | 'none';

/** One place a picture could be made, with the reason it is or is not allowed to. */
export interface RouteCandidate {
  modelId: string;
  provider: ProviderName;
  /** Modal path, Fal endpoint id or ComfyUI graph name. */
  endpoint: string;
  eligible: boolean;
  /** A sentence for people: why it stands here, or why it may not be used. */
  reason: string;
  identity: Identity;
  /** USD for this one output, estimated from the price table. */
  priceUsd: number;
  /** Seconds of a warm call, from the registry. */
  typicalSeconds: number;
}

/** Where an input picture goes on the wire. */
export interface WireInput {
  field: string;
  assetId: string;
  mediaType: string;
  /** `data-url` and `base64` are inlined; `url` is uploaded to the provider first; `upload` becomes a file name. */
  encoding: 'data-url' | 'base64' | 'url' | 'upload';
  /** `value`: the string itself; `list`: `[string]`; `image-url-objects`: `[{image_url: string}]`. */
  shape: 'value' | 'list' | 'image-url-objects';
}

/** 16 MB: a request holds the pictures inlined in it in memory for as long as it is open, and many are open at once. */
export const maximumInlinedBytes = 16 * 1024 * 1024;

/** Limits of one activity call; seconds throughout. */
export interface ExecutionPolicy {
  name: string;
  startToCloseSeconds: number;
  /** Longest wait for a free worker. */
  scheduleToStartSeconds: number;
  heartbeatSeconds: number;
  retry: {
    initialSeconds: number;
    backoffCoefficient: number;
    maximumSeconds: number;
    maximumAttempts: number;
  };
  http: HttpDeadlines;
}

/** Limits inside one provider call; seconds. */
export interface HttpDeadlines {
  connectSeconds: number;
  /** Longest wait for the answer to a submit (Modal blocks here; 150 s per hop is normal). */
  firstByteSeconds: number;
  /** Longest silence while a body streams. */
  idleSeconds: number;
  /** From the first byte of a body to its last. Absent in plans of older jobs: then only `totalSeconds` ends it. */
  downloadSeconds?: number | undefined;
  /** Longest wait in the provider's queue before the job is cancelled there. */
  queueSeconds: number;
  /** Submit to last byte. */
  totalSeconds: number;
}

/** An eligible candidate with all a provider client needs, as it stands in workflow history. */
export interface PlannedCandidate extends RouteCandidate {
  /** Modal app; absent elsewhere. */
  app?: string | undefined;
  /** Complete wire body except the input pictures. */
  parameters: JsonObject;
  inputs: WireInput[];
  mediaKind: 'image' | 'video';
  /** Pixels an upscale must come to, at the least. Absent for everything else. */
  leastSize?: { width: number; height: number } | undefined;
  /** Seconds after which nearly every call of this endpoint has ended: its own 95th percentile where it was measured. */
  slowAfterSeconds: number;
  policy: ExecutionPolicy;
}

export interface SlotPlan {
  /** 1-based: what people see. */
  slot: number;
  /** What this slot shows, such as `front view` or `beach walk`. */
  label: string;
  seed: number;
  /** Eligible candidates in the order they are tried. */
  candidates: PlannedCandidate[];
  /** Every candidate that was looked at, with its reason. */
  considered: RouteCandidate[];
  /** A stored picture of the very recipe of a candidate, where the request allows its reuse. */
  reusable?: { asset: StoredAsset; modelId: string } | undefined;
}

/** How a slot waits when every provider is out: doubling from `initialSeconds`, at most `maximumSeconds`. */
export interface ParkingPolicy {
  initialSeconds: number;
  backoffCoefficient: number;
  maximumSeconds: number;
  /**
   * How long a job is waited for that its provider cannot be asked for, before another provider may be paid: long enough
   * for a restart or a short outage, because the job probably goes on.
   */
  graceSeconds: number;
}

export interface GenerationPlan {
  slots: SlotPlan[];
  parking: ParkingPolicy;
  deadlineSeconds: number;
  /** Submits that may have cost money, per slot, before it gives up. */
  maxPaidAttempts: number;
  rules: JobRules;
  /** Where one slot of an earlier set is made anew: the rest of that set. */
  set?: EarlierSet | undefined;
}

/** The pictures beside which a new one will stand. */
export interface EarlierSet {
  /** The endpoint that made them, or the first of several. */
  engine?: string | undefined;
  pictures: { slot: number; asset: StoredAsset }[];
}

/** What the caller decided about money and sets. */
export interface JobRules {
  unknownOutcome: UnknownOutcome;
  /** USD for the whole job, attempts of unknown outcome included; absent: no limit. */
  maxCostUsd?: number | undefined;
  /** Pictures without which the set counts as failed. */
  minSuccess: number;
  coherence: Coherence;
  /** Whether two pictures of the set that look alike are one too many. */
  distinct: boolean;
  /** Jobs that a slot may pay once more at the same provider, because the one before gave nothing of use. */
  maxRefills: number;
  /** Whether a slow call is raced by the next candidate. */
  hedge: boolean;
}
