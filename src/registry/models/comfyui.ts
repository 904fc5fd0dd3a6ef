import { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import type { ModelDefinition, SlotSettings } from '../types';
import { comfyUiPolicy } from '../policies';
import { wireBody } from './wire-body';
import {
  fractionField,
  guidanceField,
  negativePromptField,
  promptField,
  seedField,
  sideField,
  stepsField,
  weightField,
} from './wire-fields';

const podModel = {
  provider: 'comfyui',
  supportsNSFW: true,
  // The listed graphs have no LoRA loader.
  supportsLoRA: false,
  mediaKind: 'image',
  mediaType: 'image/png',
  price: { usd: 0, per: 'image', asOf: '2026-02-05', source: 'own hardware: nothing is billed per picture' },
  policy: comfyUiPolicy,
} as const;

/** Any checkpoint file of the pod; one it lacks is refused by the pod before work starts. */
const checkpointField = z.string().min(1).default('sd_xl_base_1.0.safetensors');
const upload = { encoding: 'upload', shape: 'value' } as const;
const source = { field: 'source_image', ...upload };

const prompts = { prompt: promptField, negative_prompt: negativePromptField.default('') };
const size = { width: sideField(1024), height: sideField(1024) };
const sampling = {
  seed: seedField,
  steps: stepsField(25),
  cfg: guidanceField(7),
  checkpoint: checkpointField,
};

function samplingToWire({ prompt, negativePrompt, seed, steps, guidance }: SlotSettings): JsonObject {
  return wireBody({ prompt, negative_prompt: negativePrompt, seed, steps, cfg: guidance });
}

function sizedToWire(settings: SlotSettings): JsonObject {
  return { ...samplingToWire(settings), ...wireBody({ width: settings.width, height: settings.height }) };
}

function denoisedToWire(settings: SlotSettings): JsonObject {
  return { ...samplingToWire(settings), ...wireBody({ denoise: settings.strength }) };
}

/** The pod's graphs: one SDXL flow per studio mode. `backendId` is the name of the graph file. */
export const comfyUiModels: readonly ModelDefinition[] = [
  {
    ...podModel,
    id: 'comfyui-sdxl-text-to-image',
    backendId: 'sdxl-text-to-image',
    uiModel: 'sdxl',
    capabilities: ['text-to-image'],
    inputType: 'text',
    studioModes: ['creating'],
    parameters: z.strictObject({ ...prompts, ...size, ...sampling }),
    toWire: sizedToWire,
    inputs: {},
    typicalSeconds: 20,
  },
  {
    ...podModel,
    id: 'comfyui-sdxl-instantid',
    backendId: 'sdxl-instantid',
    uiModel: 'sdxl-instantid',
    capabilities: ['text-to-image', 'image-to-image', 'reference-image'],
    inputType: 'text+image',
    studioModes: ['creating'],
    parameters: z.strictObject({ ...prompts, ...size, ...sampling, instantid_strength: weightField(0.8) }),
    toWire: (settings) => ({
      ...sizedToWire(settings),
      ...wireBody({ instantid_strength: settings.referenceStrength }),
    }),
    inputs: { reference: { field: 'reference_image', ...upload } },
    typicalSeconds: 30,
  },
  {
    ...podModel,
    id: 'comfyui-sdxl-image-to-image',
    backendId: 'sdxl-image-to-image',
    uiModel: 'sdxl-i2i',
    capabilities: ['image-to-image'],
    inputType: 'text+image',
    studioModes: ['variations'],
    parameters: z.strictObject({ ...prompts, ...sampling, denoise: fractionField(0.6) }),
    toWire: denoisedToWire,
    inputs: { source },
    typicalSeconds: 20,
  },
  {
    ...podModel,
    id: 'comfyui-sdxl-inpaint',
    backendId: 'sdxl-inpaint',
    uiModel: 'sdxl-inpaint',
    capabilities: ['editing'],
    inputType: 'text+image+mask',
    studioModes: ['editing'],
    parameters: z.strictObject({ ...prompts, ...sampling, denoise: fractionField(1) }),
    // The graph starts from grey under the mask, so less than full denoising would leave grey behind.
    toWire: (settings) => denoisedToWire({ ...settings, strength: undefined }),
    inputs: { source, mask: { field: 'mask_image', ...upload } },
    typicalSeconds: 20,
  },
  {
    ...podModel,
    id: 'comfyui-upscale-4x',
    backendId: 'upscale-4x',
    uiModel: 'upscale-4x',
    capabilities: ['upscaling'],
    inputType: 'image',
    studioModes: ['upscaling'],
    parameters: z.strictObject({ upscale_model: z.string().min(1).default('RealESRGAN_x4plus.pth') }),
    toWire: () => ({}),
    inputs: { source },
    typicalSeconds: 15,
  },
];
