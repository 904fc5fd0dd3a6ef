import { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import type { ModelDefinition, SlotSettings } from '../types';
import { loraFields, loraToWire } from './lora-fields';
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

const loraModel = {
  capabilities: ['text-to-image', 'lora'],
  inputType: 'text',
  studioModes: ['creating'],
  mediaKind: 'image',
} as const;

function commonToWire(settings: SlotSettings): JsonObject {
  const { prompt, width, height, seed, steps, guidance } = settings;
  return { ...wireBody({ prompt, width, height, seed, steps, cfg: guidance }), ...loraToWire(settings) };
}

function negativeToWire({ negativePrompt }: SlotSettings): JsonObject {
  return wireBody({ negative_prompt: negativePrompt });
}

const size = { width: sideField(1024), height: sideField(1024) };

/** A trained character on Modal: each route takes LoRAs of its own base model only. */
export const modalLoraModels: readonly ModelDefinition[] = [
  modalModel({
    ...loraModel,
    id: 'modal-flux-dev-lora',
    backendId: '/flux-dev-lora',
    uiModel: 'flux-dev-lora',
    app: 'ryla-flux',
    loraBaseModel: 'flux',
    parameters: z.strictObject({
      prompt: promptField,
      negative_prompt: negativePromptField.optional(),
      ...size,
      seed: seedField,
      ...loraFields,
      steps: stepsField(20),
      cfg: guidanceField(1),
    }),
    toWire: (settings) => ({ ...commonToWire(settings), ...negativeToWire(settings) }),
    typicalSeconds: 60,
    measured: true,
  }),
  modalModel({
    ...loraModel,
    id: 'modal-qwen-image-2512-lora',
    backendId: '/qwen-image-2512-lora',
    uiModel: 'qwen-image-2512-lora',
    app: 'ryla-qwen-image',
    loraBaseModel: 'qwen',
    parameters: z.strictObject({
      prompt: promptField,
      negative_prompt: negativePromptField.optional(),
      // 1328 as on the routes without a LoRA: the handler reads all sizes of the family in one place.
      ...qwenSizeFields,
      seed: seedField,
      ...loraFields,
      steps: stepsField(50),
      cfg: guidanceField(4),
    }),
    toWire: (settings) => ({
      ...commonToWire(settings),
      ...negativeToWire(settings),
      ...qwenSize(settings),
    }),
    typicalSeconds: 143,
    measured: true,
  }),
  modalModel({
    ...loraModel,
    id: 'modal-z-image-lora',
    backendId: '/z-image-lora',
    uiModel: 'z-image-lora',
    app: 'ryla-z-image',
    loraBaseModel: 'z-image',
    parameters: z.strictObject({
      prompt: promptField,
      ...size,
      seed: seedField,
      ...loraFields,
      steps: stepsField(9),
      cfg: guidanceField(1),
      nsfw: z.boolean().default(false),
    }),
    // The only one of the document's four NSFW routes whose handler reads the flag.
    toWire: (settings) => ({ ...commonToWire(settings), nsfw: settings.nsfw }),
    typicalSeconds: 29,
    measured: true,
  }),
];
