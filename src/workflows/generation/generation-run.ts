import { workflowInfo } from '@temporalio/workflow';
import {
  pendingSlot,
  providersOf,
  type Announced,
  type GenerationInput,
  type GenerationState,
  type MadePicture,
  type Recipe,
  type SlotProgress,
  type SlotState,
  type SubmitInFlight,
} from '../../domain/generation';
import type { ProviderName } from '../../domain/taxonomy';
import type { GenerationPlan, PlannedCandidate } from '../../domain/plan';

/** One running generation: its plan, and the state that the query, the database and the result show. */
export interface GenerationRun {
  input: GenerationInput;
  state: GenerationState;
  plan: GenerationPlan;
  /** One per slot. */
  progress: SlotProgress[];
  /** The history grew long: slots that wait do so in a new run, and no new call is made in this one. */
  isResting: boolean;
  /** Numbers of waiting slots that are to try again now. */
  woken: Set<number>;
  /** Those of them that a person woke. */
  urged: Set<number>;
  /** Submits whose outcome is still to come, by slot and model, oldest first. */
  inFlight: Map<string, SubmitInFlight>;
  /** By provider, or app of one: epoch ms before which it does not want to hear from this job. */
  notBefore: Map<string, number>;
  /** Providers whose watches have this job on their lists. */
  parkedAt: Set<ProviderName>;
  /** The clean-up of jobs that nobody waits for; see `cleanUp`. */
  settling: Promise<void>[];
  /** USD set aside for this job. */
  reservedUsd: number;
  /** USD that runs before a reset may have paid. */
  forgottenUsd: number;
  /** Pictures made since the last save. */
  unsaved: MadePicture[];
  /** What the search attributes say. */
  announced: Announced;
  /** The state changed: show it. */
  changed(): void;
  /** Who is asked changed: let it be searched for. */
  announce(): void;
  /** The state reached a point the database must know soon. */
  save(): void;
}

/** A new run, or the next part of one that grew long. */
export function openRun(input: GenerationInput, startedAt: string): GenerationRun {
  const { plan, resumed } = input;
  const deadline = Date.parse(startedAt) + plan.deadlineSeconds * 1000;
  const state: GenerationState = resumed?.state ?? {
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
    slots: plan.slots.map(pendingSlot),
    startedAt,
    deadlineAt: new Date(deadline).toISOString(),
  };
  const { runId, firstExecutionRunId } = workflowInfo();
  state.runs = [...(state.runs ?? []), runId];
  state.firstRun = firstExecutionRunId;
  return {
    input,
    state,
    plan,
    progress: resumed?.progress ?? plan.slots.map(freshProgress),
    isResting: false,
    woken: new Set(),
    urged: new Set(resumed?.urged),
    inFlight: openJobsOf(input),
    notBefore: new Map(Object.entries(resumed?.notBefore ?? {})),
    parkedAt: new Set(),
    settling: [],
    reservedUsd: input.reservedUsd,
    forgottenUsd: resumed?.forgottenUsd ?? 0,
    unsaved: resumed?.unsaved ?? [],
    announced: resumed?.announced ?? { providers: providersOf(state.slots) },
    changed: () => undefined,
    announce: () => undefined,
    save: () => undefined,
  };
}

/** The state as others see it: also what is under way. */
export function stateOf({ state, inFlight }: GenerationRun): GenerationState {
  return { ...state, inFlight: [...inFlight.values()] };
}

/** The endpoint that made the first picture of the set, also where only one slot of it is made anew. */
export function engineOf({ plan, state }: GenerationRun): string | undefined {
  return plan.set?.engine ?? state.engines[0];
}

/** The slot tries again now, or in the next run where this one rests. */
export function wakeSlot({ state, woken }: GenerationRun, number: number): void {
  woken.add(number);
  const waiting = state.slots.find(({ slot }) => slot === number)?.waiting;
  if (waiting !== undefined) waiting.nextTryAt = new Date().toISOString();
}

/** Names the one submit of a slot at a model that may be in flight. */
export function inFlightKey(slot: number, { modelId }: PlannedCandidate): string {
  return `${slot}/${modelId}`;
}

/** Open jobs that an earlier run left behind and whose price nobody has put at risk. */
function openJobsOf({ plan, resumed }: GenerationInput): GenerationRun['inFlight'] {
  const jobs = plan.slots.flatMap(({ slot, candidates }, index) => {
    const { dispatches = {}, booked = {} } = resumed?.progress[index] ?? {};
    return candidates
      .filter(({ modelId }) => (dispatches[modelId]?.phase ?? 'none') !== 'none')
      .filter(({ modelId }) => (booked[modelId] ?? null) === null)
      .map((candidate) => [inFlightKey(slot, candidate), inFlightOf(slot, candidate)] as const);
  });
  return new Map(jobs);
}

export function inFlightOf(slot: number, { provider, endpoint, priceUsd }: PlannedCandidate): SubmitInFlight {
  return { slot, provider, endpoint, priceUsd, since: new Date().toISOString() };
}

/** How far a slot is before its first call. */
export function freshProgress(): SlotProgress {
  return { calls: 0, rounds: 0, dispatches: {}, booked: {}, refills: 0, finishedJobs: {} };
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
