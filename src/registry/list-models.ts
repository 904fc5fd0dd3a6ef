import type { LoraBaseModel, StudioMode } from '../domain/requests';
import { models } from './models';
import type { ModelCapability, ModelDefinition, RoutingContext } from './types';

/** What a model must be able to do to be listed; `undefined` asks for nothing. */
export interface ModelFilter {
  mode?: StudioMode | undefined;
  capability?: ModelCapability | undefined;
  /** `true`: only models that may make NSFW pictures. `false` asks for nothing, as every model makes SFW ones. */
  nsfw?: boolean | undefined;
  /** `true`: only models that take a trained LoRA; `false`: only those that work without. */
  useLora?: boolean | undefined;
}

/** A model as people and the API see it: plain data. */
export interface ListedModel extends Pick<
  ModelDefinition,
  | 'id'
  | 'provider'
  | 'backendId'
  | 'uiModel'
  | 'capabilities'
  | 'inputType'
  | 'supportsNSFW'
  | 'supportsLoRA'
  | 'studioModes'
  | 'mediaKind'
  | 'mediaType'
  | 'price'
  | 'typicalSeconds'
> {
  app?: string;
  loraBaseModel?: LoraBaseModel;
  /** Input pictures it needs. */
  inputs: ('reference' | 'source' | 'mask')[];
  /** Whether this deployment can use it for what the filter asks. */
  eligible: boolean;
  /** Why it is or is not eligible, for people. */
  reason: string;
}

const pictures = ['reference', 'source', 'mask'] as const;

/** Models that can do what the filter asks, those this deployment cannot use among them, with the reason. */
export function listModels(filter: ModelFilter, context: RoutingContext): ListedModel[] {
  return models.filter((model) => matches(model, filter)).map((model) => listed(model, filter, context));
}

function matches(model: ModelDefinition, { mode, capability, nsfw, useLora }: ModelFilter): boolean {
  if (mode !== undefined && !model.studioModes.includes(mode)) return false;
  if (capability !== undefined && !model.capabilities.includes(capability)) return false;
  if (nsfw === true && !model.supportsNSFW) return false;
  return useLora === undefined || model.supportsLoRA === useLora;
}

function listed(model: ModelDefinition, filter: ModelFilter, context: RoutingContext): ListedModel {
  const obstacle = obstacleTo(model, filter, context);
  return {
    id: model.id,
    provider: model.provider,
    backendId: model.backendId,
    uiModel: model.uiModel,
    ...(model.app !== undefined && { app: model.app }),
    capabilities: model.capabilities,
    inputType: model.inputType,
    supportsNSFW: model.supportsNSFW,
    supportsLoRA: model.supportsLoRA,
    ...(model.loraBaseModel !== undefined && { loraBaseModel: model.loraBaseModel }),
    studioModes: model.studioModes,
    inputs: pictures.filter((picture) => model.inputs[picture] !== undefined),
    mediaKind: model.mediaKind,
    mediaType: model.mediaType,
    price: model.price,
    typicalSeconds: model.typicalSeconds,
    eligible: obstacle === undefined,
    reason: obstacle ?? 'can be used',
  };
}

function obstacleTo(
  { provider }: ModelDefinition,
  { nsfw }: ModelFilter,
  context: RoutingContext,
): string | undefined {
  const { enabled, reason } = context.providers[provider];
  if (!enabled) return `${provider} is not configured here${reason === undefined ? '' : `: ${reason}`}`;
  return nsfw === true && !context.nsfwEnabled ? 'NSFW is switched off here' : undefined;
}
