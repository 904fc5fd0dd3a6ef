import type {
  GenerationInput,
  GenerationState,
  Recipe,
  SlotProgress,
  SlotState,
  StoredAsset,
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
  /** Pictures made since the last save. */
  unsaved: { asset: StoredAsset; recipe: Recipe }[];
  /** What the search attributes say. */
  announced: string;
  /** The state changed: show it. */
  changed(): void;
  /** The state reached a point the database must know soon. */
  save(): void;
}

const nothingPlanned: GenerationPlan = {
  slots: [],
  parking: { initialSeconds: 1, backoffCoefficient: 1, maximumSeconds: 1 },
  deadlineSeconds: 0,
  maxPaidAttempts: 0,
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
    slots: [],
    startedAt,
  };
  return {
    input,
    state,
    plan: input.resumed?.plan ?? nothingPlanned,
    progress: input.resumed?.progress ?? [],
    isResting: false,
    unsaved: [],
    announced: '',
    changed: () => undefined,
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
  };
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
  };
}
