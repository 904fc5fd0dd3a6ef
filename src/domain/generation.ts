import type { AttemptRecord } from './attempt-record';
import type { Ledger } from './ledger';
import type { GenerationPlan, Identity, RouteCandidate, SlotPlan } from './plan';
import type { Flow, FlowRequest } from './requests';
import type { StoredAsset } from './stored-asset';
import type { JsonObject, ProviderName, SlotFailureCode } from './taxonomy';

/** Argument of all three workflows. */
export interface GenerationInput {
  generationId: string;
  characterId: string;
  nsfw: boolean;
  /** Who pays; daily limits and fairness are counted by it. */
  caller: string;
  /** USD set aside for this job when it was accepted: its worst eligible prices. */
  reservedUsd: number;
  flowRequest: FlowRequest;
  /** Made once, where the request was accepted, and followed to the end. */
  plan: GenerationPlan;
  /** The slot this generation makes anew. */
  lineage?: Lineage | undefined;
  /** Set by the workflow itself when it goes on in a new run, because the history of the old one grew long. */
  resumed?: ResumedGeneration | undefined;
}

/** Which picture of which earlier generation this one replaces. */
export interface Lineage {
  generationId: string;
  /** 1-based. */
  slot: number;
}

export interface ResumedGeneration {
  state: GenerationState;
  /** One per slot, in order. */
  ledgers: Ledger[];
  /** Pictures of which the database may not know yet. */
  unsaved: MadePicture[];
  /** By provider or app, epoch ms: it asked not to be called before. */
  notBefore: Record<string, number>;
  announced: Announced;
  /** USD that runs before a reset may have paid. */
  forgottenUsd?: number | undefined;
}

/** What the search attributes of the workflow say. */
export interface Announced {
  /** Left out while nothing happened that anybody would search for. */
  status?: string | undefined;
  providers: ProviderName[];
}

/** A stored picture, and how it was made. */
export interface MadePicture {
  asset: StoredAsset;
  recipe: Recipe;
}

export const slotStatuses = [
  'pending',
  'running',
  'waiting',
  'needs_decision',
  'completed',
  'failed',
  'cancelled',
] as const;
/**
 * `waiting`: every provider is out; the slot goes on when one is back. `needs_decision`: a submit was lost and the job
 * says `unknownOutcome: hold`, so a person decides.
 */
export type SlotStatus = (typeof slotStatuses)[number];

/** Of a slot that may still change. */
export const openSlotStatuses: readonly SlotStatus[] = ['pending', 'running', 'waiting', 'needs_decision'];

export const generationStatuses = [
  'accepted',
  'running',
  'completed',
  'partial',
  'failed',
  'cancelled',
] as const;
export type GenerationStatus = (typeof generationStatuses)[number];

export interface SlotError {
  code: SlotFailureCode;
  message: string;
  provider?: ProviderName | undefined;
}

/** Why a job as a whole gave nothing, or too little. */
export interface GenerationError {
  code: SlotFailureCode | 'min_success_missed';
  message: string;
}

/** Why and how long a slot waits. Times are ISO 8601. */
export interface SlotWait {
  reason: string;
  since: string;
  /** The latest time at which the slot tries again by itself. */
  nextTryAt: string;
  round: number;
  /** Providers that are out of reach: their watches wake the slot. */
  watched: ProviderName[];
}

/** A second provider that is asked because the first one is slow. */
export interface SlotRace {
  provider: ProviderName;
  endpoint: string;
  /** ISO 8601. */
  since: string;
}

/** A submit whose outcome nobody knows, put before a person. */
export interface DecisionNeeded {
  provider: ProviderName;
  endpoint: string;
  since: string;
  /** Lost if the job is submitted again although the first submit was accepted. */
  atRiskUsd: number;
  /** What a person said, until the slot acts on it. */
  answer?: SlotDecision | undefined;
}

export const slotDecisions = ['resubmit', 'give_up'] as const;
export type SlotDecision = (typeof slotDecisions)[number];

/** State of one slot: what the `progress` query, the result and the database all show. */
export interface SlotState {
  slot: number;
  label: string;
  status: SlotStatus;
  seed: number;
  provider?: ProviderName | undefined;
  endpoint?: string | undefined;
  /** While a slow call is raced (`hedge`). */
  racing?: SlotRace | undefined;
  identity: Identity;
  attempts: AttemptRecord[];
  /** USD of all attempts of this slot. */
  costUsd: number;
  costEstimated: boolean;
  /** USD that may have been paid on top, with nothing to show for it. */
  atRiskUsd: number;
  asset?: StoredAsset | undefined;
  /** The picture is a stored one of the same recipe, made at no cost. */
  reused?: boolean | undefined;
  error?: SlotError | undefined;
  /** From the first round that found every provider out until the slot ends. */
  waiting?: SlotWait | undefined;
  /** While `needs_decision`. */
  decision?: DecisionNeeded | undefined;
  startedAt?: string | undefined;
  finishedAt?: string | undefined;
  considered: RouteCandidate[];
}

/** A slot as it stands before its first call. */
export function pendingSlot({ slot, label, seed, considered, candidates }: SlotPlan): SlotState {
  return {
    slot,
    label,
    seed,
    considered,
    status: 'pending',
    identity: candidates[0]?.identity ?? 'none',
    attempts: [],
    costUsd: 0,
    costEstimated: false,
    atRiskUsd: 0,
  };
}

/** Every provider that was asked; before the first call the one that will be. Sorted. */
export function providersOf(
  slots: readonly Pick<SlotState, 'attempts' | 'provider' | 'racing' | 'considered'>[],
): ProviderName[] {
  const asked = slots.flatMap(({ attempts, provider, racing, considered }) => [
    ...attempts.map((one) => one.provider),
    racing?.provider,
    provider ?? considered.find(({ eligible }) => eligible)?.provider,
  ]);
  return [...new Set(asked)].filter((name) => name !== undefined).sort();
}

/** A picture that was made beside the one a slot kept, and is paid. */
export interface ExtraPicture {
  /** 1-based. */
  slot: number;
  provider: ProviderName;
  endpoint: string;
  seed: number;
  asset: StoredAsset;
  costUsd: number;
  /** ISO 8601; when it was collected. */
  at: string;
}

/** A submit that may be paid by now, or is about to be, and that no attempt carries the price of yet. */
export interface SubmitInFlight {
  /** 1-based. */
  slot: number;
  provider: ProviderName;
  endpoint: string;
  /** Left out by older releases. */
  jobKey?: string | undefined;
  /** By the price table. */
  priceUsd: number;
  /** ISO 8601. */
  since: string;
}

/**
 * State of one generation. `revision` grows with every change and is never smaller than the time of the change (epoch
 * ms): a late write never replaces a newer one, and after a reset nothing the old run wrote is newer.
 */
export interface GenerationState {
  generationId: string;
  flow: Flow;
  characterId: string;
  nsfw: boolean;
  /** Left out by older releases. */
  caller?: string;
  status: GenerationStatus;
  revision: number;
  deadlineAt?: string | undefined;
  costUsd: number;
  costEstimated: boolean;
  atRiskUsd: number;
  /** Endpoints that made the finished pictures: more than one where the set mixes engines. */
  engines: string[];
  lineage?: Lineage | undefined;
  error?: GenerationError | undefined;
  slots: SlotState[];
  /** Pictures that came late, after their slot had another one or had ended. */
  extras?: ExtraPicture[] | undefined;
  /** Provider jobs whose cost is not known yet and is still looked for. Left out for none. */
  unsettledJobs?: number | undefined;
  /** What is at risk beside `atRiskUsd`, should the workflow end here. Left out by older releases. */
  inFlight?: SubmitInFlight[] | undefined;
  /** Ids of the Temporal runs that led to this state, each going on where the one before rested; the present one last. */
  runs?: string[] | undefined;
  /** Id of the run that was started first: not one of `runs` where that one was reset. */
  firstRun?: string | undefined;
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
  lineage?: Lineage | undefined;
}
