import { findModel, modelById } from '../find-model';
import type { ModelDefinition } from '../types';
import type { RouteRequest } from './route-request';
import { selectStudioEndpoint, selectStudioProvider } from './studio-selection';

/**
 * Fallback orders, best first. Each is Modal, then Fal, then the pod: one list serves SFW and NSFW, as eligibility
 * strikes out Fal for NSFW and the pod for SFW. A fallback stays in the model family where the next provider has it.
 */
const textOrders = {
  high: ['modal-flux-dev', 'fal-flux-dev', 'comfyui-sdxl-text-to-image'],
  fast: ['modal-flux', 'fal-flux-schnell', 'comfyui-sdxl-text-to-image'],
  zImage: ['modal-z-image-danrisi', 'fal-z-image-turbo', 'comfyui-sdxl-text-to-image'],
} as const;
const loraOrder = [
  'modal-flux-dev-lora',
  'modal-qwen-image-2512-lora',
  'modal-z-image-lora',
  'fal-flux-dev',
  'comfyui-sdxl-text-to-image',
];
const referenceOrder = [
  'modal-sdxl-instantid',
  'modal-flux-pulid',
  'modal-flux-ipadapter-faceid',
  'fal-flux-pulid',
  'fal-pulid',
  'comfyui-sdxl-instantid',
];
const variationOrder = [
  'modal-qwen-image-edit-2511',
  'fal-flux-dev-image-to-image',
  'fal-z-image-turbo-image-to-image',
  'comfyui-sdxl-image-to-image',
];
const editingOrder = [
  'modal-qwen-image-edit-2511',
  'fal-qwen-image-edit-2511',
  'fal-flux-2-edit',
  'fal-flux-2-pro-edit',
  'comfyui-sdxl-inpaint',
];
const maskedEditingOrder = [
  'modal-qwen-image-inpaint-2511',
  'modal-qwen-image-edit-2511',
  'fal-qwen-image-edit-2511',
  'comfyui-sdxl-inpaint',
];
const upscalingOrder = [
  'modal-seedvr2',
  'fal-seedvr-upscale',
  'fal-clarity-upscaler',
  'fal-aura-sr',
  'fal-topaz-upscale',
  'comfyui-upscale-4x',
];

/**
 * Second engines behind the same door as the first: an outage takes both, and the paid attempts of a slot would be
 * spent on one provider before the next was asked. In the studio they serve only who names them.
 */
const alternatives: ReadonlySet<string> = new Set([
  'modal-flux-pulid',
  'modal-flux-ipadapter-faceid',
  'fal-pulid',
]);

/** Whether a model of the studio's orders is used only when `modelId` names it. */
export function isAlternative({ id }: ModelDefinition): boolean {
  return alternatives.has(id);
}

/** Models in the order they are considered: the one named by the request, or the customer's choice, goes first. */
export function studioOrder(request: RouteRequest): ModelDefinition[] {
  const { model } = request.preference;
  const rest = usualOrder(request).map(modelById);
  const first = model ?? customersChoice(request);
  return first === undefined ? rest : [first, ...rest.filter(({ id }) => id !== first.id)];
}

function usualOrder(request: RouteRequest): readonly string[] {
  switch (request.mode) {
    case 'creating':
      return creatingOrder(request);
    case 'variations':
      return variationOrder;
    case 'editing':
      return request.hasMask ? maskedEditingOrder : editingOrder;
    case 'upscaling':
      return upscalingOrder;
    case 'video':
      return videoOrder(request);
  }
}

function creatingOrder({ settings, hasReference, preference }: RouteRequest): readonly string[] {
  const { model, quality } = preference;
  const hasLora = settings.lora !== undefined;
  if (hasLora && hasReference) return [...loraOrder, ...referenceOrder];
  if (hasLora) return loraOrder;
  if (hasReference) return referenceOrder;
  return textOrders[familyOf(model) ?? (quality === 'fast' ? 'fast' : 'high')];
}

/** The fallback family of a model named by the caller; `undefined` where no second provider has its like. */
function familyOf(model: ModelDefinition | undefined): keyof typeof textOrders | undefined {
  if (model === undefined) return undefined;
  if (model.id === 'modal-flux' || model.id === 'fal-flux-schnell') return 'fast';
  if (model.id === 'modal-flux-dev' || model.id === 'fal-flux-dev') return 'high';
  return model.backendId.includes('z-image') ? 'zImage' : undefined;
}

function videoOrder({ settings, hasReference }: RouteRequest): string[] {
  if (settings.lora !== undefined && hasReference) return ['modal-wan2.6-lora', 'modal-wan2.6-r2v'];
  if (settings.lora !== undefined) return ['modal-wan2.6-lora', 'modal-wan2.6'];
  return hasReference ? ['modal-wan2.6-r2v', 'modal-wan2.6'] : ['modal-wan2.6'];
}

/** What the customer's functions select; they know creating only. */
function customersChoice({
  mode,
  settings,
  hasReference,
  preference,
}: RouteRequest): ModelDefinition | undefined {
  if (mode !== 'creating') return undefined;
  const input = {
    useLora: settings.lora !== undefined,
    loraAvailable: settings.lora !== undefined,
    referenceImageUrl: hasReference ? 'given' : undefined,
    nsfw: settings.nsfw,
    modelProvider: preference.modelProvider,
    modelPreference: preference.modelPreference,
    quality: preference.quality,
  };
  return findModel(selectStudioEndpoint(input, selectStudioProvider(input)));
}
