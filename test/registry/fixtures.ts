import {
  baseImagesRequestSchema,
  profilePicturesRequestSchema,
  studioRequestSchema,
  type AssetRef,
  type FlowRequest,
  type InputAssets,
  type ResolvedLora,
} from '../../src/domain/requests';
import type { GenerationPlan } from '../../src/domain/plan';
import { planGeneration, RequestRefused, type RefusalIssue, type RoutingContext } from '../../src/registry';

const parking = { initialSeconds: 15, backoffCoefficient: 2, maximumSeconds: 300, graceSeconds: 150 };

export const everythingOn: RoutingContext = {
  providers: { modal: { enabled: true }, fal: { enabled: true }, comfyui: { enabled: true } },
  nsfwEnabled: true,
  parking,
};

export function without(...names: ('modal' | 'fal' | 'comfyui')[]): RoutingContext {
  const off = { enabled: false, reason: 'set its credential to enable it' };
  const providers = { ...everythingOn.providers };
  for (const name of names) providers[name] = off;
  return { ...everythingOn, providers };
}

export const picture: AssetRef = { assetId: 'asset-1', mediaType: 'image/png', width: 1024, height: 768 };

export function lora(fields: Partial<ResolvedLora> = {}): ResolvedLora {
  return { loraId: 'demo', baseModel: 'flux', triggerWord: 'ohwx', strength: 1, ...fields };
}

/** A studio request whose every given URL has an asset behind it, as the API would hand it on. */
export function studio(fields: Record<string, unknown>, resolved?: ResolvedLora): FlowRequest {
  const request = studioRequestSchema.parse({ characterId: 'demo', ...fields });
  const assets: InputAssets = {
    reference: request.referenceImageUrl === undefined ? undefined : picture,
    source: request.sourceImageUrl === undefined ? undefined : picture,
    mask: request.maskImageUrl === undefined ? undefined : { ...picture, assetId: 'asset-mask' },
  };
  return { flow: 'studio', request, assets, lora: resolved };
}

export function baseImages(fields: Record<string, unknown> = {}): FlowRequest {
  return {
    flow: 'base-images',
    request: baseImagesRequestSchema.parse({
      characterId: 'demo',
      prompt: 'a woman with red hair',
      ...fields,
    }),
  };
}

export function profilePictures(fields: Record<string, unknown> = {}): FlowRequest {
  const request = profilePicturesRequestSchema.parse({
    characterId: 'demo',
    prompt: 'a woman with red hair',
    ...fields,
  });
  const reference = request.referenceImageUrl === undefined ? undefined : picture;
  return { flow: 'profile-pictures', request, assets: { reference } };
}

export function plan(flowRequest: FlowRequest, context = everythingOn, fallbackSeed = 1000): GenerationPlan {
  return planGeneration(flowRequest, context, { fallbackSeed });
}

/** The issues a request is refused with; fails the test when it is not refused. */
export function refusalOf(flowRequest: FlowRequest, context = everythingOn): readonly RefusalIssue[] {
  try {
    plan(flowRequest, context);
  } catch (error) {
    if (error instanceof RequestRefused) return error.issues;
    throw error;
  }
  throw new Error('the request was not refused');
}
