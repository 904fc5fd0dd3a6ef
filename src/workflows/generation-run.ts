import type { GenerationInput, GenerationState, Recipe, SlotState, StoredAsset } from '../domain/generation';
import type { GenerationPlan, PlannedCandidate, SlotPlan } from '../domain/plan';

/** One running generation: its plan, and the state that the query, the database and the result show. */
export interface GenerationRun {
  input: GenerationInput;
  state: GenerationState;
  /** Empty until `planRoutes` answered. */
  plan: GenerationPlan;
  /** Pictures made since the last save. */
  unsaved: { asset: StoredAsset; recipe: Recipe }[];
  /** The `GenerationStatus` search attribute says `waiting`. */
  isAnnouncedWaiting: boolean;
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

export function openRun(input: GenerationInput, startedAt: string): GenerationRun {
  const state: GenerationState = {
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
    plan: nothingPlanned,
    unsaved: [],
    isAnnouncedWaiting: false,
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

/** Dollars to six decimals: sums of floats must not show their noise. */
export function roundUsd(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
