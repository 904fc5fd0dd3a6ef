import { z } from 'zod';
import type { ModelDefinition } from '../types';
import { falSizeField } from './fal-image-size';
import { falModel, falOneImage, falStandardFields } from './fal-model';
import { wireBody } from './wire-body';
import { fractionField, guidanceField, promptField, seedField, stepsField } from './wire-fields';

const variationModel = {
  capabilities: ['image-to-image'],
  inputType: 'text+image',
  studioModes: ['variations'],
  inputs: { source: { field: 'image_url', encoding: 'url', shape: 'value' } },
  per: 'megapixel',
  estimated: true,
} as const;

/** Variations of a picture on Fal; the picture keeps its size. */
export const falVariationModels: readonly ModelDefinition[] = [
  falModel({
    ...variationModel,
    id: 'fal-flux-dev-image-to-image',
    backendId: 'fal-ai/flux/dev/image-to-image',
    uiModel: 'flux-dev-i2i',
    mediaType: 'image/jpeg',
    parameters: z.strictObject({
      prompt: promptField,
      // Nothing would be left to do at 0, so Fal refuses it.
      strength: z.number().min(0.01).max(1).default(0.95),
      num_inference_steps: stepsField(40, 50),
      guidance_scale: guidanceField(3.5, { minimum: 1 }),
      num_images: falOneImage,
      output_format: z.enum(['jpeg', 'png']).default('jpeg'),
      acceleration: z.enum(['none', 'regular', 'high']).default('none'),
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: ({ prompt, strength, steps, guidance, seed }) =>
      wireBody({ prompt, strength, num_inference_steps: steps, guidance_scale: guidance, seed }),
    usd: 0.025,
    typicalSeconds: 8,
  }),
  falModel({
    ...variationModel,
    id: 'fal-z-image-turbo-image-to-image',
    backendId: 'fal-ai/z-image/turbo/image-to-image',
    uiModel: 'z-image-i2i',
    mediaType: 'image/png',
    parameters: z.strictObject({
      prompt: promptField,
      strength: fractionField(0.6),
      image_size: falSizeField(undefined, 'auto').default('auto'),
      num_inference_steps: stepsField(8, 8),
      num_images: falOneImage,
      output_format: z.enum(['jpeg', 'png', 'webp']).default('png'),
      acceleration: z.enum(['none', 'regular', 'high']).default('regular'),
      enable_prompt_expansion: z.literal(false).default(false),
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: ({ prompt, strength, steps, seed }) =>
      wireBody({ prompt, strength, num_inference_steps: steps, seed }),
    usd: 0.005,
    typicalSeconds: 4,
  }),
];
