import { z } from 'zod';
import type { ModelDefinition } from '../types';
import { falImageSize, falSizeField, landscape43 } from './fal-image-size';
import { falModel, falOneImage, falStandardFields } from './fal-model';
import { wireBody } from './wire-body';
import {
  guidanceField,
  negativePromptField,
  promptField,
  seedField,
  stepsField,
  weightField,
} from './wire-fields';

const referenceModel = {
  capabilities: ['text-to-image', 'image-to-image', 'reference-image'],
  inputType: 'text+image',
  studioModes: ['creating'],
  mediaType: 'image/jpeg',
  per: 'megapixel',
} as const;

/** A face from one picture on Fal (SFW only). The two endpoints name the reference and its weight differently. */
export const falReferenceModels: readonly ModelDefinition[] = [
  falModel({
    ...referenceModel,
    id: 'fal-flux-pulid',
    backendId: 'fal-ai/flux-pulid',
    uiModel: 'flux-pulid',
    inputs: { reference: { field: 'reference_image_url', encoding: 'url', shape: 'value' } },
    parameters: z.strictObject({
      prompt: promptField,
      image_size: falSizeField().default(landscape43),
      num_inference_steps: stepsField(20, 50),
      guidance_scale: guidanceField(4, { minimum: 1 }),
      id_weight: weightField(1),
      start_step: z.int().min(0).max(50).default(0),
      true_cfg: z.number().min(1).max(10).default(1),
      negative_prompt: negativePromptField.default(''),
      max_sequence_length: z.enum(['128', '256', '512']).default('128'),
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: (settings) =>
      wireBody({
        prompt: settings.prompt,
        negative_prompt: settings.negativePrompt,
        image_size: falImageSize(settings),
        num_inference_steps: settings.steps,
        guidance_scale: settings.guidance,
        id_weight: settings.referenceStrength,
        seed: settings.seed,
      }),
    usd: 0.0333,
    typicalSeconds: 12,
  }),
  falModel({
    ...referenceModel,
    id: 'fal-pulid',
    backendId: 'fal-ai/pulid',
    uiModel: 'pulid-standard',
    inputs: { reference: { field: 'reference_images', encoding: 'url', shape: 'image-url-objects' } },
    // No safety field and no sync_mode in this schema.
    parameters: z.strictObject({
      prompt: promptField,
      image_size: falSizeField().default(landscape43),
      num_images: falOneImage,
      num_inference_steps: stepsField(4, 12),
      // A distilled model: more guidance than this spoils the picture, and is refused.
      guidance_scale: guidanceField(1.2, { minimum: 1, maximum: 1.5 }),
      id_scale: weightField(0.8),
      id_mix: z.boolean().default(false),
      mode: z.enum(['fidelity', 'extreme style']).default('fidelity'),
      negative_prompt: negativePromptField.optional(),
      seed: seedField,
    }),
    toWire: (settings) =>
      wireBody({
        prompt: settings.prompt,
        negative_prompt: settings.negativePrompt,
        image_size: falImageSize(settings),
        num_inference_steps: settings.steps,
        guidance_scale: settings.guidance,
        id_scale: settings.referenceStrength,
        seed: settings.seed,
      }),
    usd: 0.025,
    estimated: true,
    typicalSeconds: 6,
  }),
];
