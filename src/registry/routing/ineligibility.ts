import { maximumInlinedBytes } from '../../domain/plan';
import { parseWire } from '../parse-wire';
import type { RefusalCode } from '../refusal-codes';
import type { ModelDefinition, RoutingContext } from '../types';
import type { RouteRequest } from './route-request';
import { isAlternative } from './studio-order';

/** Why a model may not serve a request. */
export type Ineligibility =
  | {
      code: RefusalCode;
      /** The request field to change. */
      field: string;
      reason: string;
    }
  | {
      /** The request is right; this deployment or the order says no. */
      code: 'alternative' | 'not_the_strict_choice' | 'pod_not_asked_for' | 'provider_disabled';
      field?: undefined;
      reason: string;
    };

type Rule = (model: ModelDefinition, request: RouteRequest) => Ineligibility | undefined;

const rules: readonly Rule[] = [
  wrongMode,
  nsfwRule,
  loraRule,
  (model, { hasReference }) => pictureRule(model, 'reference', hasReference),
  (model, { hasSource }) => pictureRule(model, 'source', hasSource),
  (model, { hasMask }) => pictureRule(model, 'mask', hasMask),
  sizeRule,
  settingRule,
  orderRule,
];

/**
 * The first rule a model breaks, or `undefined` when it may serve. What the request itself rules out comes before
 * what a deployment lacks, so the answer does not change with the configuration.
 */
export function ineligibilityOf(
  model: ModelDefinition,
  request: RouteRequest,
  context: RoutingContext,
): Ineligibility | undefined {
  for (const rule of rules) {
    const broken = rule(model, request);
    if (broken !== undefined) return broken;
  }
  return disabledProvider(model, context);
}

function wrongMode(model: ModelDefinition, { mode }: RouteRequest): Ineligibility | undefined {
  if (model.studioModes.includes(mode)) return undefined;
  return {
    code: 'capability_missing',
    field: 'modelId',
    reason: `${model.backendId} cannot do "${mode}": it serves ${model.studioModes.map((name) => `"${name}"`).join(', ')}`,
  };
}

function nsfwRule(model: ModelDefinition, { settings }: RouteRequest): Ineligibility | undefined {
  if (!settings.nsfw || model.supportsNSFW) return undefined;
  return {
    code: 'nsfw_unsupported',
    field: 'modelId',
    reason: `${model.backendId} never gets NSFW work: it runs on ${model.provider}`,
  };
}

/** Half of the identity contract; the other half is the reference's rule. */
function loraRule(model: ModelDefinition, { settings: { lora } }: RouteRequest): Ineligibility | undefined {
  if (lora === undefined) {
    if (!model.supportsLoRA) return undefined;
    return { code: 'lora_required', field: 'useLora', reason: `${model.backendId} works only with a LoRA` };
  }
  if (!model.supportsLoRA) {
    return { code: 'lora_dropped', field: 'modelId', reason: `${model.backendId} would drop the LoRA` };
  }
  if (model.loraBaseModel === lora.baseModel) return undefined;
  return {
    code: 'lora_base_model',
    field: 'modelId',
    reason: `LoRA "${lora.loraId}" was trained on ${lora.baseModel}; ${model.backendId} runs ${model.loraBaseModel ?? 'another model'}, so name another one by loraId`,
  };
}

/** An endpoint must take every picture the caller gave, and get every picture it needs. */
function pictureRule(
  model: ModelDefinition,
  picture: 'reference' | 'source' | 'mask',
  given: boolean,
): Ineligibility | undefined {
  const taken = model.inputs[picture] !== undefined;
  if (taken === given) return undefined;
  return taken
    ? {
        code: `${picture}_required`,
        field: pictureFields[picture],
        reason: `${model.backendId} needs a ${picture} picture`,
      }
    : {
        code: `${picture}_dropped`,
        field: 'modelId',
        reason: `${model.backendId} would drop the ${picture} picture`,
      };
}

const pictureFields = {
  reference: 'referenceImageUrl',
  source: 'sourceImageUrl',
  mask: 'maskImageUrl',
} as const;

/** What goes into the body itself has a limit; what is uploaded first has none but the store's own. */
function sizeRule(
  { backendId, inputs }: ModelDefinition,
  { pictureBytes = {} }: RouteRequest,
): Ineligibility | undefined {
  for (const picture of ['reference', 'source', 'mask'] as const) {
    const { encoding } = inputs[picture] ?? {};
    const isInlined = encoding === 'data-url' || encoding === 'base64';
    const bytes = pictureBytes[picture] ?? 0;
    if (!isInlined || bytes <= maximumInlinedBytes) continue;
    return {
      code: 'input_too_large',
      field: pictureFields[picture],
      reason: `${backendId} takes a ${picture} picture of at most ${megabytes(maximumInlinedBytes)} MB; this one has ${megabytes(bytes)} MB`,
    };
  }
  return undefined;
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** Graphs whose factor is built in. */
const fixedFactors: Readonly<Record<string, number>> = { 'comfyui-upscale-4x': 4 };

function settingRule(model: ModelDefinition, { settings }: RouteRequest): Ineligibility | undefined {
  const fixed = fixedFactors[model.id];
  if (fixed !== undefined && settings.upscaleFactor !== undefined && settings.upscaleFactor !== fixed) {
    return {
      code: 'setting_unsupported',
      field: 'upscaleFactor',
      reason: `${model.backendId} always makes ${fixed}×`,
    };
  }
  const wire = parseWire(model, settings);
  if (wire.ok) return undefined;
  const reason = `${model.backendId} cannot take this ${wire.field} (${wire.problem})`;
  return { code: 'setting_unsupported', field: wire.field, reason };
}

/** What nobody asked for, and what a strict preference shuts out. */
function orderRule(
  model: ModelDefinition,
  { settings, preference, order }: RouteRequest,
): Ineligibility | undefined {
  const asked = isAskedFor(model, preference);
  if (preference.strict === true && !asked) {
    return { code: 'not_the_strict_choice', reason: 'strict leaves no candidate but the one asked for' };
  }
  if (asked && preference.model !== undefined) return undefined;
  if (order === undefined && isAlternative(model)) {
    return {
      code: 'alternative',
      reason: `a second engine of ${model.provider}: the usual order takes one per provider; name it with modelId`,
    };
  }
  if (model.provider !== 'comfyui' || settings.nsfw || asked) return undefined;
  return {
    code: 'pod_not_asked_for',
    reason: 'the pod stands in for NSFW only; ask for it with modelProvider or modelId',
  };
}

/** Whether the caller's preference means this model; `modelId` says more than `modelProvider`. */
export function isAskedFor(
  model: ModelDefinition,
  { model: named, modelProvider }: RouteRequest['preference'],
): boolean {
  return named === undefined ? model.provider === modelProvider : model.id === named.id;
}

function disabledProvider(
  { provider }: ModelDefinition,
  { providers }: RoutingContext,
): Ineligibility | undefined {
  const { enabled, reason } = providers[provider];
  if (enabled) return undefined;
  const remedy = reason === undefined ? '' : `: ${reason}`;
  return { code: 'provider_disabled', reason: `${provider} is not configured here${remedy}` };
}
