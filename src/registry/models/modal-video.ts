import { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import type { ModelDefinition, SlotSettings } from '../types';
import { loraFields, loraToWire } from './lora-fields';
import { modalModel } from './modal-model';
import { wireBody } from './wire-body';
import {
  guidanceField,
  negativePromptField,
  promptField,
  seedField,
  sideField,
  stepsField,
} from './wire-fields';

const videoModel = {
  app: 'ryla-wan26',
  studioModes: ['video'],
  mediaKind: 'video',
  // Animated WebP in spite of the name: only the face-swap routes make MP4.
  mediaType: 'image/webp',
} as const;

const videoFields = {
  prompt: promptField,
  negative_prompt: negativePromptField.optional(),
  width: sideField(832),
  height: sideField(480),
  /** Frames. The server ignores `num_frames`, the name other routes use. */
  length: z.int().min(5).max(161).default(33),
  fps: z.int().min(4).max(30).default(16),
  seed: seedField,
  steps: stepsField(30),
  cfg: guidanceField(6),
};

function videoToWire(settings: SlotSettings): JsonObject {
  const { prompt, negativePrompt, width, height, seed, steps, guidance, frames, fps } = settings;
  return wireBody({
    prompt,
    negative_prompt: negativePrompt,
    width,
    height,
    length: frames,
    fps,
    seed,
    steps,
    cfg: guidance,
  });
}

/** Clips on Modal's Wan 2.6: from text, with a trained character, or after a reference clip. */
export const modalVideoModels: readonly ModelDefinition[] = [
  modalModel({
    ...videoModel,
    id: 'modal-wan2.6',
    backendId: '/wan2.6',
    uiModel: 'wan2.6',
    capabilities: ['video'],
    inputType: 'text',
    parameters: z.strictObject(videoFields),
    toWire: videoToWire,
    typicalSeconds: 35,
    measured: true,
  }),
  modalModel({
    ...videoModel,
    id: 'modal-wan2.6-lora',
    backendId: '/wan2.6-lora',
    uiModel: 'wan2.6-lora',
    capabilities: ['video', 'lora'],
    inputType: 'text',
    loraBaseModel: 'wan',
    parameters: z.strictObject({ ...videoFields, ...loraFields }),
    toWire: (settings) => ({ ...videoToWire(settings), ...loraToWire(settings) }),
    typicalSeconds: 47,
    measured: true,
  }),
  modalModel({
    ...videoModel,
    id: 'modal-wan2.6-r2v',
    backendId: '/wan2.6-r2v',
    uiModel: 'wan2.6-r2v',
    capabilities: ['video', 'reference-image'],
    inputType: 'text+image',
    inputs: { reference: { field: 'reference_videos', encoding: 'data-url', shape: 'list' } },
    parameters: z.strictObject(videoFields),
    toWire: videoToWire,
    typicalSeconds: 60,
  }),
];
