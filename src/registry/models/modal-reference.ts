import { z } from 'zod';
import type { ModelDefinition } from '../types';
import { modalModel } from './modal-model';
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

const referenceModel = {
  capabilities: ['text-to-image', 'image-to-image', 'reference-image'],
  inputType: 'text+image',
  app: 'ryla-instantid',
  studioModes: ['creating'],
  mediaKind: 'image',
  // A string that is no data URL is taken for a file name on the server: an https URL would never be fetched.
  inputs: { reference: { field: 'reference_image', encoding: 'data-url', shape: 'value' } },
} as const;

const base = { prompt: promptField, width: sideField(1024), height: sideField(1024), seed: seedField };

/** Where the face models run; the handlers default to the CPU, which leaves the GPU to the picture. */
const faceProvider = z.enum(['CPU', 'CUDA']).default('CPU');

const checkpoints = [
  'sd_xl_base_1.0.safetensors',
  'RealVisXL_V4.0.safetensors',
  'Juggernaut-XL_v9_RunDiffusionPhoto_v2.safetensors',
] as const;

/** A face from one picture on Modal. Three engines in one app, each with its own name for the same weight. */
export const modalReferenceModels: readonly ModelDefinition[] = [
  modalModel({
    ...referenceModel,
    id: 'modal-sdxl-instantid',
    backendId: '/sdxl-instantid',
    uiModel: 'sdxl-instantid',
    parameters: z.strictObject({
      ...base,
      negative_prompt: negativePromptField.default(''),
      sdxl_checkpoint: z.enum(checkpoints).default('sd_xl_base_1.0.safetensors'),
      instantid_strength: weightField(0.8),
      steps: stepsField(20),
      cfg: guidanceField(7),
      sampler_name: z.string().default('euler'),
      scheduler: z.string().default('normal'),
      face_provider: faceProvider,
    }),
    toWire: ({ prompt, negativePrompt, width, height, seed, steps, guidance, referenceStrength }) =>
      wireBody({
        prompt,
        negative_prompt: negativePrompt,
        width,
        height,
        seed,
        steps,
        cfg: guidance,
        instantid_strength: referenceStrength,
      }),
    typicalSeconds: 29,
    measured: true,
  }),
  modalModel({
    ...referenceModel,
    id: 'modal-flux-pulid',
    backendId: '/flux-pulid',
    uiModel: 'flux-pulid',
    parameters: z.strictObject({
      ...base,
      pulid_weight: weightField(0.9),
      start_at: fractionField(0),
      end_at: fractionField(1),
      guidance: guidanceField(3.5),
      steps: stepsField(20),
    }),
    toWire: ({ prompt, width, height, seed, steps, guidance, referenceStrength }) =>
      wireBody({ prompt, width, height, seed, steps, guidance, pulid_weight: referenceStrength }),
    typicalSeconds: 83,
    measured: true,
  }),
  modalModel({
    ...referenceModel,
    id: 'modal-flux-ipadapter-faceid',
    backendId: '/flux-ipadapter-faceid',
    uiModel: 'flux-ipadapter-faceid',
    parameters: z.strictObject({
      ...base,
      negative_prompt: negativePromptField.optional(),
      ipadapter_strength: weightField(0.8),
      guidance_scale: guidanceField(3.5),
      timestep_to_start_cfg: z.int().min(0).max(60).default(1),
      steps: stepsField(20),
      face_provider: faceProvider,
    }),
    toWire: ({ prompt, negativePrompt, width, height, seed, steps, guidance, referenceStrength }) =>
      wireBody({
        prompt,
        negative_prompt: negativePrompt,
        width,
        height,
        seed,
        steps,
        guidance_scale: guidance,
        ipadapter_strength: referenceStrength,
      }),
    typicalSeconds: 60,
    measured: true,
  }),
];
