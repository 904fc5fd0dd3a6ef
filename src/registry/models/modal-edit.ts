import { z } from 'zod';
import type { ModelDefinition, SlotSettings } from '../types';
import { modalModel } from './modal-model';
import { wireBody } from './wire-body';
import { fractionField, guidanceField, promptField, seedField, stepsField } from './wire-fields';

const source = { field: 'source_image', encoding: 'data-url', shape: 'value' } as const;

/** Modal's editing and upscaling routes, which the customer's document does not list but its deployment has. */
export const modalEditModels: readonly ModelDefinition[] = [
  modalModel({
    id: 'modal-qwen-image-edit-2511',
    backendId: '/qwen-image-edit-2511',
    uiModel: 'qwen-edit-2511',
    capabilities: ['editing', 'image-to-image'],
    inputType: 'text+image',
    app: 'ryla-qwen-image',
    studioModes: ['editing', 'variations'],
    mediaKind: 'image',
    inputs: { source },
    parameters: z.strictObject({
      instruction: promptField,
      seed: seedField,
      steps: stepsField(50),
      cfg: guidanceField(4),
      denoise: fractionField(0.8),
    }),
    toWire: ({ prompt, seed, steps, guidance, strength }) =>
      wireBody({ instruction: prompt, seed, steps, cfg: guidance, denoise: strength }),
    typicalSeconds: 110,
  }),
  modalModel({
    id: 'modal-qwen-image-inpaint-2511',
    backendId: '/qwen-image-inpaint-2511',
    uiModel: 'qwen-inpaint-2511',
    capabilities: ['editing'],
    inputType: 'text+image+mask',
    app: 'ryla-qwen-image',
    studioModes: ['editing'],
    mediaKind: 'image',
    inputs: { source, mask: { field: 'mask_image', encoding: 'data-url', shape: 'value' } },
    parameters: z.strictObject({
      prompt: promptField,
      seed: seedField,
      steps: stepsField(50),
      cfg: guidanceField(4),
    }),
    toWire: ({ prompt, seed, steps, guidance }) => wireBody({ prompt, seed, steps, cfg: guidance }),
    typicalSeconds: 110,
  }),
  modalModel({
    id: 'modal-seedvr2',
    backendId: '/seedvr2',
    uiModel: 'seedvr2',
    capabilities: ['upscaling'],
    inputType: 'image',
    app: 'ryla-seedvr2',
    studioModes: ['upscaling'],
    mediaKind: 'image',
    mediaType: 'image/png',
    // This handler decodes whatever base64 it gets, so a `data:` prefix would spoil the picture.
    inputs: { source: { field: 'image', encoding: 'base64', shape: 'value' } },
    parameters: z.strictObject({
      resolution: z.int().min(16).max(4000).default(1080),
      max_resolution: z.int().min(16).max(4000).default(4000),
      max_resolution_2: z.int().min(16).max(4000).default(4000),
      seed: seedField,
    }),
    toWire: (settings) => wireBody({ resolution: seedvrResolution(settings), seed: settings.seed }),
    typicalSeconds: 208,
    measured: true,
  }),
];

const maximumPixels = 4000;
const defaultFactor = 2;

/**
 * Target of the shorter side in pixels, as `/seedvr2` ignores `scale`: source × factor (default 2), at most 4000 on
 * the longer side. `undefined`, hence the endpoint's 1080, while the size of the source is not known.
 */
function seedvrResolution({ sourceWidth, sourceHeight, upscaleFactor }: SlotSettings): number | undefined {
  if (sourceWidth === undefined || sourceHeight === undefined) return undefined;
  const factor = upscaleFactor ?? defaultFactor;
  const capped = Math.min(factor, maximumPixels / Math.max(sourceWidth, sourceHeight));
  return Math.max(16, Math.round(Math.min(sourceWidth, sourceHeight) * capped));
}
