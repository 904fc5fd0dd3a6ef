import type { StoredAsset } from '../domain/stored-asset';
import type {
  GenerationInput,
  GenerationState,
  Recipe,
  SlotDecision,
  SlotProgress,
  SlotState,
} from '../domain/generation';
import type { GenerationPlan, PlannedCandidate, SlotPlan } from '../domain/plan';

/** One running generation: its plan, and the state that the query, the database and the result show. */
export interface GenerationRun {
  input: GenerationInput;
  state: GenerationState;
  /** Empty until `planRoutes` answered. */
  plan: GenerationPlan;
  /** One per slot. */
  progress: SlotProgress[];
  /** The history grew long: slots that wait do so in a new run, and no new call is made in this one. */
  isResting: boolean;
  /** Numbers of waiting slots that are to try again now. */
  woken: Set<number>;
  /** By slot number: what a person decided, until the slot has seen it. */
  decisions: Map<number, SlotDecision>;
  /** By slot and model: the price of submits whose outcome is still to come. */
  inFlightUsd: Map<string, number>;
  /** USD set aside for this job. */
  reservedUsd: number;
  /** Pictures made since the last save. */
  unsaved: { asset: StoredAsset; recipe: Recipe }[];
  /** What the search attributes say. */
  announced: string;
  /** The state changed: show it. */
  changed(): void;
  /** Who is asked changed: let it be searched for. */
  announce(): void;
  /** The state reached a point the database must know soon. */
  save(): void;
}

const nothingPlanned: GenerationPlan = {
  slots: [],
  parking: { initialSeconds: 1, backoffCoefficient: 1, maximumSeconds: 1 },
  deadlineSeconds: 0,
  maxPaidAttempts: 0,
  rules: {
    unknownOutcome: 'hold',
    minSuccess: 1,
    coherence: 'preferred',
    distinct: false,
    maxRefills: 0,
    hedge: false,
  },
};

/** A new run, or the next part of one that grew long. */
export function openRun(input: GenerationInput, startedAt: string): GenerationRun {
  const state: GenerationState = input.resumed?.state ?? {
    generationId: input.generationId,
    flow: input.flowRequest.flow,
    characterId: input.characterId,
    nsfw: input.nsfw,
    status: 'running',
    revision: 1,
    costUsd: 0,
    costEstimated: false,
    atRiskUsd: 0,
    engines: [],
    lineage: input.lineage,
    slots: [],
    startedAt,
  };
  return {
    input,
    state,
    plan: input.resumed?.plan ?? nothingPlanned,
    progress: input.resumed?.progress ?? [],
    isResting: false,
    woken: new Set(),
    decisions: new Map(),
    inFlightUsd: new Map(),
    reservedUsd: input.reservedUsd,
    unsaved: [],
    announced: '',
    changed: () => undefined,
    announce: () => undefined,
    save: () => undefined,
  };
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

/** How far a slot is before its first call. */
export function freshProgress(): SlotProgress {
  return { calls: 0, rounds: 0, dispatches: {}, resubmits: 0, booked: {}, refills: 0, finishedJobs: {} };
}

/** How a stored picture was made. */
export function recipeOf(
  run: GenerationRun,
  slot: SlotState,
  candidate: PlannedCandidate,
  made: Pick<Recipe, 'costUsd' | 'costEstimated' | 'providerRequestId'>,
): Recipe {
  const { modelId, provider, endpoint, parameters, inputs } = candidate;
  return {
    generationId: run.state.generationId,
    slot: slot.slot,
    seed: slot.seed,
    modelId,
    provider,
    endpoint,
    parameters,
    inputs: inputs.map(({ field, assetId }) => ({ field, assetId })),
    costUsd: made.costUsd,
    costEstimated: made.costEstimated,
    providerRequestId: made.providerRequestId,
    lineage: run.input.lineage,
  };
}
