import { z } from 'zod';
import type { ModelDefinition, SlotSettings } from '../types';
import { falModel, falOneImage, falStandardFields } from './fal-model';
import { falImageSize, falSizeField, landscape43 } from './fal-image-size';
import { seedreamSize, seedreamSizeField } from './seedream-size';
import { wireBody } from './wire-body';
import { guidanceField, promptField, seedField, stepsField } from './wire-fields';

const textModel = {
  capabilities: ['text-to-image'],
  inputType: 'text',
  studioModes: ['creating'],
} as const;

function fluxParameters(defaultSteps: number, maximumSteps: number) {
  return z.strictObject({
    prompt: promptField,
    image_size: falSizeField().default(landscape43),
    num_inference_steps: stepsField(defaultSteps, maximumSteps),
    guidance_scale: guidanceField(3.5, { minimum: 1 }),
    num_images: falOneImage,
    output_format: z.enum(['jpeg', 'png']).default('jpeg'),
    acceleration: z.enum(['none', 'regular', 'high']).default('none'),
    seed: seedField,
    ...falStandardFields,
  });
}

function fluxToWire(settings: SlotSettings) {
  return wireBody({
    prompt: settings.prompt,
    image_size: falImageSize(settings),
    num_inference_steps: settings.steps,
    guidance_scale: settings.guidance,
    seed: settings.seed,
  });
}

/** Text to picture on Fal. None of them has a negative prompt. */
export const falTextModels: readonly ModelDefinition[] = [
  falModel({
    ...textModel,
    id: 'fal-flux-schnell',
    backendId: 'fal-ai/flux/schnell',
    uiModel: 'flux-schnell',
    mediaType: 'image/jpeg',
    parameters: fluxParameters(4, 12),
    toWire: fluxToWire,
    usd: 0.003,
    per: 'megapixel',
    typicalSeconds: 2,
  }),
  falModel({
    ...textModel,
    id: 'fal-flux-dev',
    backendId: 'fal-ai/flux/dev',
    uiModel: 'flux-dev',
    mediaType: 'image/jpeg',
    parameters: fluxParameters(28, 50),
    toWire: fluxToWire,
    usd: 0.025,
    per: 'megapixel',
    typicalSeconds: 7,
  }),
  falModel({
    ...textModel,
    id: 'fal-seedream-v4.5',
    backendId: 'fal-ai/bytedance/seedream/v4.5/text-to-image',
    uiModel: 'seedream-45',
    mediaType: 'image/png',
    parameters: z.strictObject({
      prompt: promptField,
      image_size: seedreamSizeField.default({ width: 2048, height: 2048 }),
      num_images: falOneImage,
      max_images: falOneImage,
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: (settings) =>
      wireBody({ prompt: settings.prompt, image_size: seedreamSize(settings), seed: settings.seed }),
    usd: 0.04,
    per: 'image',
    typicalSeconds: 15,
  }),
  falModel({
    ...textModel,
    id: 'fal-z-image-turbo',
    backendId: 'fal-ai/z-image/turbo',
    uiModel: 'z-image-turbo',
    mediaType: 'image/png',
    parameters: z.strictObject({
      prompt: promptField,
      image_size: falSizeField().default(landscape43),
      num_inference_steps: stepsField(8, 8),
      num_images: falOneImage,
      output_format: z.enum(['jpeg', 'png', 'webp']).default('png'),
      acceleration: z.enum(['none', 'regular', 'high']).default('regular'),
      enable_prompt_expansion: z.literal(false).default(false),
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: (settings) =>
      wireBody({
        prompt: settings.prompt,
        image_size: falImageSize(settings),
        num_inference_steps: settings.steps,
        seed: settings.seed,
      }),
    usd: 0.005,
    per: 'megapixel',
    typicalSeconds: 3,
  }),
];
