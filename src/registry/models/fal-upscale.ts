import { z } from 'zod';
import type { ModelDefinition } from '../types';
import { falModel } from './fal-model';
import { wireBody } from './wire-body';
import {
  fractionField,
  guidanceField,
  negativePromptField,
  promptField,
  seedField,
  stepsField,
} from './wire-fields';

const upscaleModel = {
  capabilities: ['upscaling'],
  inputType: 'image',
  studioModes: ['upscaling'],
  inputs: { source: { field: 'image_url', encoding: 'url', shape: 'value' } },
  per: 'image',
  estimated: true,
} as const;

/** How much larger, 1 to `maximum` times; `scale` is no field of any of them. */
function factorField(maximum: number) {
  return z.number().min(1).max(maximum).default(2);
}

/** A share of 0-1 that Topaz has its own default for. */
const levelField = z.number().min(0).max(1).optional();

/** Upscaling on Fal. `clarity-upscaler` repaints by its prompt, the others only sharpen. */
export const falUpscaleModels: readonly ModelDefinition[] = [
  falModel({
    ...upscaleModel,
    id: 'fal-seedvr-upscale',
    backendId: 'fal-ai/seedvr/upscale/image',
    uiModel: 'seedvr2',
    mediaType: 'image/jpeg',
    parameters: z.strictObject({
      upscale_mode: z.enum(['target', 'factor']).default('factor'),
      upscale_factor: factorField(10),
      /** Read in mode `target` only, and 1080p there. */
      target_resolution: z.enum(['720p', '1080p', '1440p', '2160p']).optional(),
      noise_scale: fractionField(0.1),
      output_format: z.enum(['png', 'jpg', 'webp']).default('jpg'),
      sync_mode: z.literal(false).default(false),
      seed: seedField,
    }),
    toWire: ({ upscaleFactor, seed }) => wireBody({ upscale_factor: upscaleFactor, seed }),
    usd: 0.03,
    typicalSeconds: 10,
  }),
  falModel({
    ...upscaleModel,
    id: 'fal-clarity-upscaler',
    backendId: 'fal-ai/clarity-upscaler',
    uiModel: 'clarity-upscaler',
    mediaType: 'image/png',
    parameters: z.strictObject({
      prompt: promptField.optional(),
      negative_prompt: negativePromptField.optional(),
      upscale_factor: factorField(4),
      creativity: fractionField(0.35),
      resemblance: fractionField(0.6),
      guidance_scale: guidanceField(4),
      num_inference_steps: stepsField(18, 50),
      seed: seedField,
      enable_safety_checker: z.literal(true).default(true),
    }),
    toWire: ({ prompt, negativePrompt, upscaleFactor, guidance, steps, seed }) =>
      wireBody({
        prompt,
        negative_prompt: negativePrompt,
        upscale_factor: upscaleFactor,
        guidance_scale: guidance,
        num_inference_steps: steps,
        seed,
      }),
    usd: 0.02,
    typicalSeconds: 20,
  }),
  falModel({
    ...upscaleModel,
    id: 'fal-aura-sr',
    backendId: 'fal-ai/aura-sr',
    uiModel: 'aura-sr',
    mediaType: 'image/png',
    // No seed in this schema: the result does not depend on chance.
    parameters: z.strictObject({
      upscale_factor: z.literal(4).default(4),
      overlapping_tiles: z.boolean().default(false),
      checkpoint: z.enum(['v1', 'v2']).default('v1'),
    }),
    toWire: ({ upscaleFactor }) => wireBody({ upscale_factor: upscaleFactor }),
    usd: 0.01,
    typicalSeconds: 4,
  }),
  falModel({
    ...upscaleModel,
    id: 'fal-topaz-upscale',
    backendId: 'fal-ai/topaz/upscale/image',
    uiModel: 'topaz-upscale',
    mediaType: 'image/jpeg',
    parameters: z.strictObject({
      model: z
        .enum([
          'Low Resolution V2',
          'Standard V2',
          'CGI',
          'High Fidelity V2',
          'Text Refine',
          'Recovery',
          'Redefine',
          'Recovery V2',
          'Standard MAX',
          'Wonder',
        ])
        .default('Standard V2'),
      upscale_factor: factorField(4),
      crop_to_fill: z.boolean().default(false),
      output_format: z.enum(['jpeg', 'png']).default('jpeg'),
      subject_detection: z.enum(['All', 'Foreground', 'Background']).default('All'),
      face_enhancement: z.boolean().default(true),
      face_enhancement_strength: fractionField(0.8),
      face_enhancement_creativity: levelField,
      sharpen: levelField,
      denoise: levelField,
      detail: levelField,
      fix_compression: levelField,
      // `Text Refine` reads the first, `Redefine` the others.
      strength: z.number().min(0.01).max(1).optional(),
      creativity: z.int().min(1).max(6).optional(),
      texture: z.int().min(1).max(5).optional(),
      prompt: z.string().max(1024).optional(),
      autoprompt: z.boolean().optional(),
    }),
    toWire: ({ upscaleFactor }) => wireBody({ upscale_factor: upscaleFactor }),
    usd: 0.02,
    typicalSeconds: 20,
  }),
];
