import type { GenerationPlan } from '../../domain/plan';
import type { InputAssets, ResolvedLora, StudioRequest } from '../../domain/requests';
import { clipSizes, pictureSizes, type PixelSize } from '../aspect-sizes';
import { findModel } from '../find-model';
import { considerModels } from '../plan-route';
import { RequestRefused, type RefusalIssue } from '../refusal';
import { picturesOf } from '../routing/pictures-of';
import type { RouteRequest } from '../routing/route-request';
import type { ModelDefinition, RoutingContext, SlotSettings } from '../types';
import { checkNsfw } from './check-nsfw';
import { checkStudioFields } from './check-studio-fields';
import { jobRules } from './job-rules';
import { planSlot, slotSeed } from './plan-slot';

/** A studio request with everything that was looked up for it. */
export interface StudioOrder {
  request: StudioRequest;
  assets: InputAssets;
  lora?: ResolvedLora | undefined;
}

const sixHoursInSeconds = 6 * 3600;

/** Plan of `count` pictures or clips. @throws RequestRefused with everything that stands against the request */
export function planStudio(
  order: StudioOrder,
  context: RoutingContext,
  fallbackSeed: number,
): GenerationPlan {
  const { request, assets } = order;
  const firstSeed = request.seed ?? fallbackSeed;
  const route = checkedRoute(order, context, firstSeed);
  const slots = Array.from({ length: request.count }, (_, index) => {
    const slot = index + 1;
    const settings = { ...route.settings, seed: slotSeed(firstSeed, slot) };
    return planSlot(
      { slot, label: `${request.mode} ${slot}`, assets, route: { ...route, settings } },
      context,
    );
  });
  return {
    slots,
    parking: context.parking,
    deadlineSeconds: request.deadlineSeconds ?? sixHoursInSeconds,
    maxPaidAttempts: 6,
    rules: jobRules(request, { distinct: request.mode === 'creating' }),
  };
}

function checkedRoute(order: StudioOrder, context: RoutingContext, firstSeed: number): RouteRequest {
  const { request, assets, lora } = order;
  const { model, issues: modelIssues } = namedModel(request);
  const route = routeOf(order, model, firstSeed);
  const fieldIssues = [
    ...checkNsfw(request.nsfw, { prompt: request.prompt, loraId: lora?.triggerWord }, context),
    ...checkStudioFields(request, assets, lora),
    ...modelIssues,
  ];
  const fields = new Set(fieldIssues.map(({ field }) => field));
  const unfitIssues = unfitModelIssues(route, context).filter(({ field }) => !fields.has(field));
  const [first, ...rest] = [...fieldIssues, ...unfitIssues];
  if (first !== undefined) throw new RequestRefused([first, ...rest]);
  return route;
}

function namedModel({ modelId, modelProvider }: StudioRequest): {
  model?: ModelDefinition;
  issues: readonly RefusalIssue[];
} {
  if (modelId === undefined) return { issues: [] };
  try {
    return { model: findModel(modelId, modelProvider), issues: [] };
  } catch (error) {
    if (error instanceof RequestRefused) return { issues: error.issues };
    throw error;
  }
}

/** A named model that cannot do what the request says is refused, strict or not: it is never swapped in silence. */
function unfitModelIssues(route: RouteRequest, context: RoutingContext): RefusalIssue[] {
  if (route.preference.model === undefined) return [];
  const [named] = considerModels(route, context);
  if (named?.ineligibility?.field === undefined) return [];
  const { field, code, reason } = named.ineligibility;
  const message = `${reason}; name another model, or leave modelId out`;
  const issue = { field, code, message };
  if (code !== 'nsfw_unsupported') return [issue];
  return [
    issue,
    { field: 'nsfw', code, message: `${reason}; leave nsfw out, or name a model that supports it` },
  ];
}

function routeOf(
  { request, assets, lora }: StudioOrder,
  model: ModelDefinition | undefined,
  seed: number,
): RouteRequest {
  const { modelProvider, strict, modelPreference, quality } = request;
  return {
    mode: request.mode,
    settings: settingsOf({ request, assets, lora }, seed),
    ...picturesOf(assets),
    preference: { model, modelProvider, strict, modelPreference, quality },
  };
}

function settingsOf({ request, assets: { source }, lora }: StudioOrder, seed: number): SlotSettings {
  return {
    prompt: request.prompt,
    negativePrompt: request.negativePrompt,
    ...sizeOf(request),
    aspectRatio: request.aspectRatio,
    seed,
    steps: request.steps,
    guidance: request.guidance,
    strength: request.strength,
    referenceStrength: request.referenceStrength,
    upscaleFactor: request.upscaleFactor,
    sourceWidth: source?.width,
    sourceHeight: source?.height,
    frames: request.frames,
    fps: request.fps,
    nsfw: request.nsfw,
    lora: loraOf(request, lora),
  };
}

/** The endpoints' own sizes differ in shape, so that a fallback would change the picture: always say one. */
function sizeOf({ mode, aspectRatio, width, height }: StudioRequest): Partial<PixelSize> {
  if (mode !== 'creating' && mode !== 'video') return {};
  if (width !== undefined && height !== undefined) return { width, height };
  return mode === 'video' ? clipSizes[aspectRatio ?? '16:9'] : pictureSizes[aspectRatio ?? '1:1'];
}

function loraOf(
  { useLora, loraStrength }: StudioRequest,
  lora: ResolvedLora | undefined,
): ResolvedLora | undefined {
  if (!useLora || lora === undefined) return undefined;
  return { ...lora, strength: loraStrength ?? lora.strength };
}
