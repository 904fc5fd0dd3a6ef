import type { Lineage, Recipe } from '../../domain/generation';
import type { EarlierSet, GenerationPlan, PlannedCandidate, SlotPlan } from '../../domain/plan';
import type { FlowRequest } from '../../domain/requests';
import { planGeneration, RequestRefused } from '../../registry';
import type { GenerationRecord } from '../../db';
import type { ApiContext } from '../context';

/** What is to be made: everything it names was looked up. */
export interface PlanOrder {
  flowRequest: FlowRequest;
  /** The slot of an earlier generation that is made anew. */
  lineage?: Lineage | undefined;
}

/** What a plan is made of beside the request. */
export interface PlanSources {
  /** Only this caller's pictures are used again. */
  caller: string;
  routing: ApiContext['routing'];
  assetRecords: Pick<ApiContext['assetRecords'], 'findMade'>;
  assetStore: Pick<ApiContext['assetStore'], 'stat'>;
  callLatencies: ApiContext['callLatencies'];
  /** An earlier generation as of now; `undefined` where it is not on record. */
  readSet(generationId: string): Promise<Pick<GenerationRecord, 'engines' | 'slots' | 'lineage'> | undefined>;
}

/**
 * The plan a generation follows to its end: it goes into the workflow's input, whatever the registry becomes.
 *
 * @param fallbackSeed of slot 1 where the request names none
 * @throws RequestRefused before anything is written when no route can serve it.
 */
export async function planOrder(
  sources: PlanSources,
  { flowRequest, lineage }: PlanOrder,
  fallbackSeed: number,
): Promise<GenerationPlan> {
  const { reuse, hedge } = flowRequest.request;
  const options = { fallbackSeed, onlySlot: lineage?.slot };
  let plan = planGeneration(flowRequest, sources.routing, options);
  if (reuse) plan = await withReusable(plan, sources);
  if (hedge) plan = await withMeasuredLatencies(plan, sources);
  if (lineage === undefined) return plan;
  return heldToEngine({ ...plan, set: await findEarlierSet(sources, lineage) });
}

async function withReusable(plan: GenerationPlan, sources: PlanSources): Promise<GenerationPlan> {
  const slots = plan.slots.map(async (slot) => ({ ...slot, reusable: await findReusable(slot, sources) }));
  return { ...plan, slots: await Promise.all(slots) };
}

/** The stored picture that one of the slot's candidates would make again; an earlier candidate is preferred. */
async function findReusable(
  { candidates }: SlotPlan,
  { caller, assetRecords, assetStore }: PlanSources,
): Promise<SlotPlan['reusable']> {
  const found = await Promise.all(
    candidates.map(async (candidate) => {
      const asset = await assetRecords.findMade(caller, recipeOf(candidate));
      // A record may outlive the bytes.
      if (asset === undefined || (await assetStore.stat(asset.assetId)) === undefined) return undefined;
      return { asset, modelId: candidate.modelId };
    }),
  );
  return found.find((one) => one !== undefined);
}

function recipeOf({
  modelId,
  endpoint,
  parameters,
  inputs,
}: PlannedCandidate): Pick<Recipe, 'modelId' | 'endpoint' | 'parameters' | 'inputs'> {
  return { modelId, endpoint, parameters, inputs: inputs.map(({ field, assetId }) => ({ field, assetId })) };
}

/** The time after which a call counts as slow: as it was measured, or the registry's guess. */
async function withMeasuredLatencies(
  plan: GenerationPlan,
  { callLatencies }: PlanSources,
): Promise<GenerationPlan> {
  const endpoints = new Set(plan.slots.flatMap(({ candidates }) => candidates.map((one) => one.endpoint)));
  const measured = new Map(
    await Promise.all(
      [...endpoints].map(async (endpoint) => [endpoint, await callLatencies.p95Seconds(endpoint)] as const),
    ),
  );
  const measure = (slot: SlotPlan): SlotPlan => ({
    ...slot,
    candidates: slot.candidates.map((candidate) => ({
      ...candidate,
      slowAfterSeconds: measured.get(candidate.endpoint) ?? candidate.slowAfterSeconds,
    })),
  });
  return { ...plan, slots: plan.slots.map(measure) };
}

/** What the new picture of a slot must fit: the other pictures of its set. `undefined` where the set is not on record. */
async function findEarlierSet(
  { readSet }: Pick<PlanSources, 'readSet'>,
  { generationId, slot }: Lineage,
): Promise<EarlierSet | undefined> {
  const set = await readSet(generationId);
  if (set === undefined) return undefined;
  // A slot that was made anew before stands in the set it was made for.
  if (set.lineage !== undefined) return await findEarlierSet({ readSet }, set.lineage);
  const pictures = set.slots.flatMap(({ slot: number, asset }) =>
    asset === undefined || number === slot ? [] : [{ slot: number, asset }],
  );
  return { engine: set.engines[0], pictures };
}

/** @throws RequestRefused where a set that must not mix engines has lost its own. */
function heldToEngine(plan: GenerationPlan): GenerationPlan {
  const engine = plan.rules.coherence === 'required' ? plan.set?.engine : undefined;
  const candidates = plan.slots.flatMap((slot) => slot.candidates);
  if (engine === undefined || candidates.some(({ endpoint }) => endpoint === engine)) return plan;
  const message = `the set is made by ${engine}, which cannot be asked any more: start a new set`;
  throw new RequestRefused([{ field: 'coherence', code: 'engine_missing', message }]);
}
