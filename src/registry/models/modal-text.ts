import { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import type { ModelDefinition, SlotSettings } from '../types';
import { modalModel } from './modal-model';
import { qwenSize, qwenSizeFields } from './qwen-size';
import { wireBody } from './wire-body';
import {
  guidanceField,
  negativePromptField,
  promptField,
  seedField,
  sideField,
  stepsField,
} from './wire-fields';

const textModel = {
  capabilities: ['text-to-image'],
  inputType: 'text',
  studioModes: ['creating'],
  mediaKind: 'image',
} as const;

function textParameters(defaults: { steps: number; cfg: number }) {
  return z.strictObject({
    prompt: promptField,
    negative_prompt: negativePromptField.optional(),
    width: sideField(1024),
    height: sideField(1024),
    seed: seedField,
    steps: stepsField(defaults.steps),
    cfg: guidanceField(defaults.cfg),
  });
}

function qwenParameters(defaults: { steps: number; cfg: number }) {
  return z.strictObject({
    prompt: promptField,
    negative_prompt: negativePromptField.optional(),
    ...qwenSizeFields,
    seed: seedField,
    steps: stepsField(defaults.steps),
    cfg: guidanceField(defaults.cfg),
    use_lightning_lora: z.boolean().default(false),
  });
}

function textToWire(settings: SlotSettings): JsonObject {
  return wireBody({
    prompt: settings.prompt,
    negative_prompt: settings.negativePrompt,
    width: settings.width,
    height: settings.height,
    seed: settings.seed,
    steps: settings.steps,
    cfg: settings.guidance,
  });
}

function qwenToWire(settings: SlotSettings): JsonObject {
  return { ...textToWire(settings), ...qwenSize(settings) };
}

/** Text to picture on Modal; defaults are the deployed handlers', which win over their documentation. */
export const modalTextModels: readonly ModelDefinition[] = [
  modalModel({
    ...textModel,
    id: 'modal-flux',
    backendId: '/flux',
    uiModel: 'flux-schnell',
    app: 'ryla-flux',
    parameters: textParameters({ steps: 4, cfg: 1 }),
    toWire: textToWire,
    typicalSeconds: 29,
    measured: true,
  }),
  modalModel({
    ...textModel,
    id: 'modal-flux-dev',
    backendId: '/flux-dev',
    uiModel: 'flux-dev',
    app: 'ryla-flux',
    parameters: textParameters({ steps: 20, cfg: 1 }),
    toWire: textToWire,
    typicalSeconds: 37,
    measured: true,
  }),
  modalModel({
    ...textModel,
    id: 'modal-qwen-image-2512',
    backendId: '/qwen-image-2512',
    uiModel: 'qwen-image-2512',
    app: 'ryla-qwen-image',
    parameters: qwenParameters({ steps: 50, cfg: 4 }),
    toWire: qwenToWire,
    typicalSeconds: 103,
    measured: true,
  }),
  modalModel({
    ...textModel,
    id: 'modal-qwen-image-2512-fast',
    backendId: '/qwen-image-2512-fast',
    uiModel: 'qwen-image-2512-fast',
    app: 'ryla-qwen-image',
    parameters: qwenParameters({ steps: 4, cfg: 1 }),
    toWire: qwenToWire,
    typicalSeconds: 73,
    measured: true,
  }),
  modalModel({
    ...textModel,
    id: 'modal-z-image-simple',
    backendId: '/z-image-simple',
    uiModel: 'z-image-simple',
    app: 'ryla-z-image',
    parameters: textParameters({ steps: 4, cfg: 0 }),
    toWire: textToWire,
    typicalSeconds: 51,
    measured: true,
  }),
  modalModel({
    ...textModel,
    id: 'modal-z-image-danrisi',
    backendId: '/z-image-danrisi',
    uiModel: 'z-image-danrisi',
    app: 'ryla-z-image',
    parameters: textParameters({ steps: 8, cfg: 0 }),
    toWire: textToWire,
    typicalSeconds: 6,
    measured: true,
  }),
];
