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
import { planGeneration } from '../../src/registry';
import type { RoutingContext } from '../../src/registry/types';

/** Everything enabled; a parked slot tries again after one second. */
export const testRouting: RoutingContext = {
  providers: { modal: { enabled: true }, fal: { enabled: true }, comfyui: { enabled: true } },
  nsfwEnabled: true,
  parking: { initialSeconds: 1, backoffCoefficient: 1, maximumSeconds: 1, graceSeconds: 150 },
};

export const face: AssetRef = { assetId: 'f'.repeat(64), mediaType: 'image/jpeg', width: 1024, height: 1024 };

const anybody = { characterId: 'demo', prompt: 'a woman of 30 with red hair', seed: 7 };

export function baseImages(fields: object = {}): FlowRequest {
  return { flow: 'base-images', request: baseImagesRequestSchema.parse({ ...anybody, ...fields }) };
}

export function profilePictures(fields: object = {}): FlowRequest {
  const request = profilePicturesRequestSchema.parse({
    ...anybody,
    referenceImageUrl: `/v1/assets/${face.assetId}`,
    ...fields,
  });
  return { flow: 'profile-pictures', request, assets: { reference: face } };
}

export function studio(
  fields: object = {},
  extras: { assets?: InputAssets; lora?: ResolvedLora } = {},
): FlowRequest {
  const request = studioRequestSchema.parse({ ...anybody, ...fields });
  return { flow: 'studio', request, assets: extras.assets ?? {}, lora: extras.lora };
}

export const fluxLora: ResolvedLora = { loraId: 'demo', baseModel: 'flux', triggerWord: 'dmo', strength: 1 };

/** What the API plans for it on a deployment like {@link testRouting}. */
export function planOf(flowRequest: FlowRequest, onlySlot?: number): GenerationPlan {
  return planGeneration(flowRequest, testRouting, { fallbackSeed: 7, onlySlot });
}
