import { workflowInfo } from '@temporalio/workflow';
import {
  pendingSlot,
  providersOf,
  type Announced,
  type GenerationInput,
  type GenerationState,
  type MadePicture,
  type Recipe,
  type SlotState,
  type SubmitInFlight,
} from '../../domain/generation';
import { emptyLedger, type Ledger } from '../../domain/ledger';
import type { ProviderName } from '../../domain/taxonomy';
import type { SetEngine } from './rules';
import type { GenerationPlan, PlannedCandidate } from '../../domain/plan';

/** One running generation: its plan, and the state that the query, the database and the result show. */
export interface GenerationRun {
  input: GenerationInput;
  state: GenerationState;
  plan: GenerationPlan;
  /** By number of the slot. */
  ledgers: Map<number, Ledger>;
  isCancelled: boolean;
  /** The history grew long: slots that wait do so in a new run, and no new call is made in this one. */
  isResting: boolean;
  /** By provider, or app of one: epoch ms before which it does not want to hear from this job. */
  notBefore: Map<string, number>;
  /** Providers whose watches have this job on their lists. */
  parkedAt: Set<ProviderName>;
  /** The clean-up of jobs that nobody waits for; see `cleanUp`. */
  cleanUps: Promise<void>[];
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
  /** Slots that wait try again now. */
  wakeWaiting(): void;
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
    ledgers: new Map(plan.slots.map(({ slot, seed }, n) => [slot, resumed?.ledgers[n] ?? emptyLedger(seed)])),
    isCancelled: false,
    isResting: false,
    notBefore: new Map(Object.entries(resumed?.notBefore ?? {})),
    parkedAt: new Set(),
    cleanUps: [],
    reservedUsd: input.reservedUsd,
    forgottenUsd: resumed?.forgottenUsd ?? 0,
    unsaved: resumed?.unsaved ?? [],
    announced: resumed?.announced ?? { providers: providersOf(state.slots) },
    changed: () => undefined,
    announce: () => undefined,
    save: () => undefined,
    wakeWaiting: () => undefined,
  };
}

/** The state as others see it: also what is under way. */
export function stateOf(run: GenerationRun): GenerationState {
  return { ...run.state, caller: run.input.caller, inFlight: inFlight(run) };
}

/** Submits whose price is neither known nor at risk, oldest first. */
export function inFlight({ plan, ledgers }: GenerationRun): SubmitInFlight[] {
  const submits = plan.slots.flatMap(({ slot, candidates }) =>
    (ledgers.get(slot)?.jobs ?? [])
      .filter(({ money }) => money.kind === 'committed')
      .flatMap(({ endpoint: id, key: jobKey, since }) =>
        candidates
          .filter(({ modelId }) => modelId === id)
          .map(({ provider, endpoint, priceUsd }) => ({ slot, provider, endpoint, jobKey, priceUsd, since })),
      ),
  );
  return submits
    .sort((one, other) => one.since - other.since)
    .map(({ since, ...submit }) => ({ ...submit, since: new Date(since).toISOString() }));
}

/** The endpoint that made the first picture of the set, also where only one slot of it is made anew. */
export function engineOf({ plan, state }: GenerationRun): string | undefined {
  return plan.set?.engine ?? state.engines[0];
}

/** What decides whether a picture of a slot may come from another endpoint than those of the others. */
export function engineOfSet(run: GenerationRun, slot: number): SetEngine {
  const mayMix = run.plan.rules.coherence !== 'required';
  if (mayMix) return { mayMix };
  const claim = inFlight(run).find((other) => other.slot !== slot);
  return { mayMix, engine: engineOf(run), claimed: claim?.endpoint };
}

/** Epoch ms. */
export function deadlineMs({ state }: GenerationRun): number {
  return Date.parse(state.deadlineAt ?? state.startedAt);
}

export function remainingSeconds(run: GenerationRun): number {
  return (deadlineMs(run) - Date.now()) / 1000;
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
