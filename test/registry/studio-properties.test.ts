import fc from 'fast-check';
import {
  aspectRatios,
  coherences,
  loraBaseModels,
  studioModes,
  studioRequestSchema,
  unknownOutcomes,
  type FlowRequest,
} from '../../src/domain/requests';
import type { GenerationPlan, PlannedCandidate, SlotPlan } from '../../src/domain/plan';
import { providerNames } from '../../src/domain/taxonomy';
import { models, planCost, planGeneration, RequestRefused, type RoutingContext } from '../../src/registry';
import { everythingOn, picture } from './fixtures';

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const asset = fc.constant('/v1/assets/asset-1');
const side = fc.integer({ min: 16, max: 128 }).map((steps) => steps * 16);

/** A field that one request in four has. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** What a request says about money and sets; budgets from far too small to ample. */
const rules = fc.record({
  maxCostUsd: seldom(
    fc.oneof(fc.constantFrom(0.001, 1000), fc.double({ min: 0.001, max: 0.2, noNaN: true })),
  ),
  minSuccess: fc.constantFrom(1, 1, 1, 2, 3),
  maxRefills: fc.integer({ min: 0, max: 3 }),
  hedge: fc.boolean(),
  reuse: fc.constantFrom(false, false, true),
  unknownOutcome: fc.constantFrom(...unknownOutcomes),
  coherence: fc.constantFrom(...coherences),
  deadlineSeconds: maybe(fc.integer({ min: 60, max: 604_800 })),
});

/** Every field of the studio body, weighted so that plans and refusals both come up. */
const requests = fc
  .record({
    mode: fc.constantFrom(...studioModes),
    prompt: fc.option(fc.constantFrom('a red door', 'portrait of ohwx'), { nil: undefined, freq: 20 }),
    negativePrompt: maybe(fc.constant('blur')),
    useLora: fc.boolean(),
    loraId: seldom(fc.constantFrom('demo', 'other')),
    loraStrength: seldom(fc.double({ min: 0.1, max: 2, noNaN: true })),
    referenceImageUrl: maybe(asset),
    referenceStrength: seldom(fc.double({ min: 0, max: 2, noNaN: true })),
    sourceImageUrl: maybe(asset),
    maskImageUrl: maybe(asset),
    nsfw: fc.boolean(),
    modelProvider: maybe(fc.constantFrom(...providerNames)),
    modelId: seldom(fc.constantFrom(...models.map(({ id }) => id))),
    strict: fc.boolean(),
    modelPreference: seldom(fc.constantFrom('flux' as const, 'qwen' as const, 'z-image' as const)),
    quality: fc.constantFrom('fast' as const, 'high' as const),
    count: fc.integer({ min: 1, max: 3 }),
    size: fc.oneof(
      fc.constant({}),
      fc.record({ aspectRatio: fc.constantFrom(...aspectRatios) }),
      fc.record({ width: side, height: side }),
    ),
    steps: maybe(fc.integer({ min: 1, max: 60 })),
    guidance: maybe(fc.double({ min: 0, max: 20, noNaN: true })),
    strength: seldom(fc.double({ min: 0, max: 1, noNaN: true })),
    upscaleFactor: seldom(fc.double({ min: 1.1, max: 8, noNaN: true })),
    frames: seldom(fc.integer({ min: 5, max: 161 })),
    fps: seldom(fc.integer({ min: 4, max: 30 })),
    seed: maybe(fc.integer({ min: 0, max: 4_294_967_295 })),
    rules,
  })
  .map(({ size, rules: money, ...fields }) =>
    studioRequestSchema.parse({ characterId: 'demo', ...fields, ...size, ...money }),
  );

/** Only the fields its mode has a use for, so that a plan is likely. */
const fitting = requests.map((request) => {
  const { mode } = request;
  const generates = mode === 'creating' || mode === 'video';
  const fromSource = !generates;
  const hasReference = generates && request.referenceImageUrl !== undefined;
  const useLora = generates && request.useLora && !hasReference;
  return {
    ...request,
    prompt: request.prompt ?? 'a red door',
    useLora,
    loraId: useLora ? request.loraId : undefined,
    loraStrength: useLora ? request.loraStrength : undefined,
    referenceImageUrl: generates ? request.referenceImageUrl : undefined,
    referenceStrength: mode === 'creating' && hasReference ? request.referenceStrength : undefined,
    sourceImageUrl: fromSource ? '/v1/assets/asset-1' : undefined,
    maskImageUrl: mode === 'editing' ? request.maskImageUrl : undefined,
    modelId: models.find(({ id }) => id === request.modelId)?.studioModes.includes(mode)
      ? request.modelId
      : undefined,
    strict: request.strict && request.modelProvider !== undefined,
    modelPreference: mode === 'creating' ? request.modelPreference : undefined,
    aspectRatio: generates ? request.aspectRatio : undefined,
    width: generates ? request.width : undefined,
    height: generates ? request.height : undefined,
    strength: mode === 'variations' || mode === 'editing' ? request.strength : undefined,
    upscaleFactor: mode === 'upscaling' ? request.upscaleFactor : undefined,
    frames: mode === 'video' ? request.frames : undefined,
    fps: mode === 'video' ? request.fps : undefined,
    reuse: request.reuse && request.seed !== undefined,
  };
});

const loras = fc.option(
  fc.record({
    loraId: fc.constant('demo'),
    baseModel: fc.constantFrom(...loraBaseModels),
    triggerWord: fc.constantFrom('ohwx', ''),
    strength: fc.double({ min: 0.1, max: 2, noNaN: true }),
  }),
  { nil: undefined, freq: 10 },
);

const contexts: fc.Arbitrary<RoutingContext> = fc
  .record({
    providers: fc.record({ modal: providerState(5), fal: providerState(3), comfyui: providerState(2) }),
    nsfwEnabled: fc.constantFrom(true, true, true, false),
  })
  .map((fields) => ({ ...fields, parking: everythingOn.parking }));

function providerState(weight: number) {
  return fc.oneof(
    { weight, arbitrary: fc.constant({ enabled: true }) },
    { weight: 1, arbitrary: fc.constant({ enabled: false, reason: 'set its credential' }) },
  );
}

const studioInputs = fc
  .record({ request: fc.oneof(requests, fitting, fitting), lora: loras, context: contexts })
  .map(({ request, lora, context }) => {
    const at = (url: string | undefined) => (url === undefined ? undefined : picture);
    const assets = {
      reference: at(request.referenceImageUrl),
      source: at(request.sourceImageUrl),
      mask: at(request.maskImageUrl),
    };
    // The LoRA that was looked up is the one asked for.
    const named = lora === undefined ? undefined : { ...lora, loraId: request.loraId ?? lora.loraId };
    const flowRequest: StudioFlow = { flow: 'studio', request, assets, lora: named };
    return { flowRequest, context };
  });

type StudioFlow = FlowRequest & { flow: 'studio' };

/** The plan, or `undefined` after checking that the refusal names fields and reasons. */
function planOrRefusal(flowRequest: StudioFlow, context: RoutingContext): GenerationPlan | undefined {
  try {
    return planGeneration(flowRequest, context, { fallbackSeed: 1 });
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    expect(error.issues.length).toBeGreaterThan(0);
    for (const issue of error.issues) expect([issue.field, issue.code, issue.message]).not.toContain('');
    checkBudgetRefusal(error, flowRequest, context);
    return undefined;
  }
}

function checkSlot({ candidates, considered }: SlotPlan, { request }: StudioFlow): void {
  expect(candidates.length).toBeGreaterThan(0);
  expect(considered.every(({ reason }) => reason !== '')).toBe(true);
  const eligible = considered.filter((candidate) => candidate.eligible).map(({ modelId }) => modelId);
  expect(eligible).toEqual(candidates.map(({ modelId }) => modelId));
  if (request.modelId !== undefined) expect(considered[0]?.modelId).toBe(request.modelId);
}

function checkCandidate(candidate: PlannedCandidate, { request }: StudioFlow, context: RoutingContext): void {
  const model = models.find(({ id }) => id === candidate.modelId)!;
  expect(context.providers[candidate.provider].enabled).toBe(true);
  expect(model.studioModes).toContain(request.mode);
  if (request.nsfw) {
    expect(candidate.provider).not.toBe('fal');
    expect(context.nsfwEnabled).toBe(true);
  }
  const given = [request.referenceImageUrl, request.sourceImageUrl, request.maskImageUrl].filter(Boolean);
  expect(candidate.inputs).toHaveLength(given.length);
  expect(model.parameters.parse(candidate.parameters)).toEqual(candidate.parameters);
}

function checkIdentity(candidate: PlannedCandidate, { request, lora }: StudioFlow): void {
  const model = models.find(({ id }) => id === candidate.modelId)!;
  if (request.referenceImageUrl !== undefined) expect(candidate.identity).toBe('reference');
  if (!request.useLora) return;
  expect([candidate.identity, model.loraBaseModel]).toEqual(['lora', lora?.baseModel]);
  expect(candidate.parameters['lora_id']).toBe(request.loraId ?? lora?.loraId);
  expect(candidate.parameters['lora_strength']).toBe(request.loraStrength ?? lora?.strength);
}

function checkClip({ mediaKind, parameters }: PlannedCandidate, { request }: StudioFlow): void {
  expect(mediaKind).toBe(request.mode === 'video' ? 'video' : 'image');
  if (request.frames !== undefined) expect(parameters['length']).toBe(request.frames);
  if (request.fps !== undefined) expect(parameters['fps']).toBe(request.fps);
}

const laxRules = {
  maxCostUsd: undefined,
  minSuccess: 1,
  maxRefills: 1,
  hedge: false,
  reuse: false,
  unknownOutcome: 'resubmit',
  coherence: 'preferred',
} as const;

/** What is said about money reaches the plan as it is, bounds it, and never changes where or how a picture is made. */
function checkRules(plan: GenerationPlan, flowRequest: StudioFlow, context: RoutingContext): void {
  const { request } = flowRequest;
  const { maxCostUsd, minSuccess, maxRefills, hedge, unknownOutcome, coherence } = request;
  expect(plan.rules).toMatchObject({ maxCostUsd, minSuccess, maxRefills, hedge, unknownOutcome, coherence });
  expect(planCost(plan).worstUsd).toBeLessThanOrEqual(maxCostUsd ?? Infinity);
  expect(minSuccess).toBeLessThanOrEqual(plan.slots.length);
  if (request.reuse) expect(plan.slots[0]?.seed).toBe(request.seed);
  if (request.deadlineSeconds !== undefined) expect(plan.deadlineSeconds).toBe(request.deadlineSeconds);
  const lax = { ...flowRequest, request: { ...request, ...laxRules } };
  expect(planGeneration(lax, context, { fallbackSeed: 1 }).slots).toEqual(plan.slots);
}

/** A budget is refused only where it would not pay for the dearest candidates. */
function checkBudgetRefusal(
  { issues }: RequestRefused,
  flowRequest: StudioFlow,
  context: RoutingContext,
): void {
  if (!issues.some(({ code }) => code === 'budget_too_small')) return;
  const lax = { ...flowRequest, request: { ...flowRequest.request, ...laxRules } };
  const { worstUsd } = planCost(planGeneration(lax, context, { fallbackSeed: 1 }));
  expect(worstUsd).toBeGreaterThan(flowRequest.request.maxCostUsd ?? Infinity);
}

function checkPreference({ provider, modelId }: PlannedCandidate, { request }: StudioFlow): void {
  if (request.strict && request.modelId !== undefined) expect(modelId).toBe(request.modelId);
  if (request.strict && request.modelProvider !== undefined) expect(provider).toBe(request.modelProvider);
  if (provider !== 'comfyui' || request.nsfw) return;
  expect(request.modelProvider === 'comfyui' || request.modelId === modelId).toBe(true);
}

/** What must hold for any request, whatever comes of it. */
function checkOutcome(flowRequest: StudioFlow, context: RoutingContext): 'planned' | 'refused' {
  const plan = planOrRefusal(flowRequest, context);
  if (plan === undefined) return 'refused';
  const { count } = flowRequest.request;
  expect(new Set(plan.slots.map(({ seed }) => seed)).size).toBe(count);
  expect(plan.slots).toHaveLength(count);
  for (const slot of plan.slots) checkSlot(slot, flowRequest);
  for (const candidate of plan.slots.flatMap(({ candidates }) => candidates)) {
    checkCandidate(candidate, flowRequest, context);
    checkIdentity(candidate, flowRequest);
    checkPreference(candidate, flowRequest);
    checkClip(candidate, flowRequest);
  }
  checkRules(plan, flowRequest, context);
  return 'planned';
}

describe('every studio request', () => {
  const fields = Object.keys(studioRequestSchema.shape) as (keyof StudioFlow['request'])[];

  it('is planned without Fal for NSFW, without dropping an identity, with bodies that fit the wire, or refused with a reason', () => {
    const outcomes = { planned: 0, refused: 0 };
    const plannedValues = new Map(fields.map((field) => [field, new Set<unknown>()]));
    fc.assert(
      fc.property(studioInputs, ({ flowRequest, context }) => {
        const outcome = checkOutcome(flowRequest, context);
        outcomes[outcome] += 1;
        if (outcome === 'refused') return;
        for (const [field, values] of plannedValues) values.add(flowRequest.request[field]);
      }),
      { seed: 20_260_205, numRuns: 3000 },
    );
    // Neither branch may become so rare that the property says nothing about it.
    expect(outcomes.planned).toBeGreaterThan(300);
    expect(outcomes.refused).toBeGreaterThan(300);
    // Nor may a field have one and the same value in all plans.
    const constant = fields.filter((field) => (plannedValues.get(field)?.size ?? 0) < 2);
    expect(constant).toEqual(['characterId']);
  });

  it('gives the same plan for the same request', () => {
    fc.assert(
      fc.property(studioInputs, ({ flowRequest, context }) => {
        const run = () => {
          try {
            return JSON.stringify(planGeneration(flowRequest, context, { fallbackSeed: 1 }));
          } catch (error) {
            return String(error);
          }
        };
        expect(run()).toBe(run());
      }),
      { seed: 20_260_206, numRuns: 200 },
    );
  });
});
