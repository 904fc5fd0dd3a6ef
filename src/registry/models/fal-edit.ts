import { z } from 'zod';
import type { ModelDefinition } from '../types';
import { falSizeField, pixelSizeField } from './fal-image-size';
import { falModel, falOneImage, falStandardFields } from './fal-model';
import { wireBody } from './wire-body';
import { guidanceField, negativePromptField, promptField, seedField, stepsField } from './wire-fields';

const editModel = {
  capabilities: ['editing'],
  inputType: 'text+image',
  studioModes: ['editing'],
  mediaType: 'image/png',
  inputs: { source: { field: 'image_urls', encoding: 'url', shape: 'list' } },
} as const;

const acceleration = z.enum(['none', 'regular', 'high']).default('regular');
const pngByDefault = z.enum(['jpeg', 'png', 'webp']).default('png');

/** Editing by instruction on Fal. No size is sent: the picture keeps its own. */
export const falEditModels: readonly ModelDefinition[] = [
  falModel({
    ...editModel,
    id: 'fal-flux-2-edit',
    backendId: 'fal-ai/flux-2/edit',
    uiModel: 'flux-2-edit',
    parameters: z.strictObject({
      prompt: promptField,
      image_size: falSizeField(pixelSizeField(512, 2048)).optional(),
      guidance_scale: guidanceField(2.5),
      num_inference_steps: stepsField(28, 50),
      num_images: falOneImage,
      output_format: pngByDefault,
      acceleration,
      enable_prompt_expansion: z.literal(false).default(false),
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: ({ prompt, guidance, steps, seed }) =>
      wireBody({ prompt, guidance_scale: guidance, num_inference_steps: steps, seed }),
    usd: 0.012,
    per: 'megapixel',
    typicalSeconds: 9,
  }),
  falModel({
    ...editModel,
    id: 'fal-flux-2-pro-edit',
    backendId: 'fal-ai/flux-2-pro/edit',
    uiModel: 'flux-2-pro-edit',
    mediaType: 'image/jpeg',
    parameters: z.strictObject({
      prompt: promptField,
      image_size: falSizeField(undefined, 'auto').default('auto'),
      output_format: z.enum(['jpeg', 'png']).default('jpeg'),
      safety_tolerance: z.enum(['1', '2', '3', '4', '5']).default('2'),
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: ({ prompt, seed }) => wireBody({ prompt, seed }),
    usd: 0.03,
    per: 'megapixel',
    typicalSeconds: 12,
  }),
  falModel({
    ...editModel,
    id: 'fal-qwen-image-edit-2511',
    backendId: 'fal-ai/qwen-image-edit-2511',
    uiModel: 'qwen-edit-2511',
    parameters: z.strictObject({
      prompt: promptField,
      image_size: falSizeField().optional(),
      guidance_scale: guidanceField(4.5),
      num_inference_steps: stepsField(28, 50),
      num_images: falOneImage,
      negative_prompt: negativePromptField.default(''),
      output_format: pngByDefault,
      acceleration,
      seed: seedField,
      ...falStandardFields,
    }),
    toWire: ({ prompt, negativePrompt, guidance, steps, seed }) =>
      wireBody({
        prompt,
        negative_prompt: negativePrompt,
        guidance_scale: guidance,
        num_inference_steps: steps,
        seed,
      }),
    usd: 0.02,
    per: 'image',
    estimated: true,
    typicalSeconds: 12,
  }),
];
