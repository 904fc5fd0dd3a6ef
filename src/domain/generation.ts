import type { GenerationPlan, Identity, RouteCandidate } from './plan';
import type { Flow, FlowRequest } from './requests';
import type {
  DispatchCertainty,
  FailureClass,
  JsonObject,
  JsonValue,
  ProviderName,
  SlotFailureCode,
} from './taxonomy';

/** Argument of all three workflows. */
export interface GenerationInput {
  generationId: string;
  characterId: string;
  nsfw: boolean;
  flowRequest: FlowRequest;
  /** Set by the workflow itself when it goes on in a new run, because the history of the old one grew long. */
  resumed?: ResumedGeneration | undefined;
}

export interface ResumedGeneration {
  state: GenerationState;
  plan: GenerationPlan;
  /** One per slot, in order. */
  progress: SlotProgress[];
}

/** How far a slot has walked through its candidates. */
export interface SlotProgress {
  /** Calls made so far; each is one possible paid job. */
  calls: number;
  /** Rounds through all candidates so far. */
  rounds: number;
  /** By model id: the way back to an accepted job that could not be reached. */
  handles: Record<string, JsonValue>;
}

export const slotStatuses = ['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled'] as const;
/** `waiting`: every provider is out; a durable timer will try the chain again. */
export type SlotStatus = (typeof slotStatuses)[number];

export const generationStatuses = [
  'accepted',
  'running',
  'completed',
  'partial',
  'failed',
  'cancelled',
] as const;
export type GenerationStatus = (typeof generationStatuses)[number];

/** One try at one provider, as it stands in the trail. */
export interface AttemptRecord {
  /** 1-based across the whole slot. */
  number: number;
  provider: ProviderName;
  endpoint: string;
  outcome: 'succeeded' | 'failed' | 'cancelled';
  /** ISO 8601. */
  startedAt: string;
  seconds: number;
  /** What this attempt cost, if anything is known. */
  costUsd?: number | undefined;
  costEstimated?: boolean | undefined;
  /** What it cost if the provider did the work after all, by the price table: the outcome is not known to us. */
  possibleCostUsd?: number | undefined;
  errorClass?: FailureClass | undefined;
  errorCode?: string | undefined;
  /** Safe for callers: never an upstream traceback. */
  message?: string | undefined;
  certainty: DispatchCertainty;
  providerRequestId?: string | undefined;
  /** Later attempts that ended just like this one and sent nothing: a long outage is counted, not listed. */
  repeats?: number | undefined;
  /** ISO 8601; when the last of the repeats began. */
  lastRepeatAt?: string | undefined;
}

export interface SlotError {
  code: SlotFailureCode;
  message: string;
  provider?: ProviderName | undefined;
}

export interface StoredAsset {
  assetId: string;
  mediaType: string;
  bytes: number;
  width?: number | undefined;
  height?: number | undefined;
  /** Frames of an animation; absent for stills. */
  frames?: number | undefined;
}

/** State of one slot: what the `progress` query, the result and the database all show. */
export interface SlotState {
  slot: number;
  label: string;
  status: SlotStatus;
  seed: number;
  provider?: ProviderName | undefined;
  endpoint?: string | undefined;
  identity: Identity;
  attempts: AttemptRecord[];
  /** USD of all attempts of this slot. */
  costUsd: number;
  costEstimated: boolean;
  asset?: StoredAsset | undefined;
  error?: SlotError | undefined;
  /** From the first round that found every provider out until the slot ends. */
  waiting?: { reason: string; since: string; nextTryAt: string; round: number } | undefined;
  startedAt?: string | undefined;
  finishedAt?: string | undefined;
  considered: RouteCandidate[];
}

/** State of one generation. `revision` grows with every change, so a late write never replaces a newer one. */
export interface GenerationState {
  generationId: string;
  flow: Flow;
  characterId: string;
  nsfw: boolean;
  status: GenerationStatus;
  revision: number;
  deadlineAt?: string | undefined;
  costUsd: number;
  costEstimated: boolean;
  error?: SlotError | undefined;
  slots: SlotState[];
  startedAt: string;
  finishedAt?: string | undefined;
}

/** How a stored asset was made. */
export interface Recipe {
  generationId: string;
  slot: number;
  modelId: string;
  provider: ProviderName;
  endpoint: string;
  seed: number;
  parameters: JsonObject;
  inputs: { field: string; assetId: string }[];
  costUsd: number;
  costEstimated: boolean;
  providerRequestId?: string | undefined;
}
