import type { ModelDefinition } from './types';
import { comfyUiModels } from './models/comfyui';
import { falEditModels } from './models/fal-edit';
import { falReferenceModels } from './models/fal-reference';
import { falTextModels } from './models/fal-text';
import { falUpscaleModels } from './models/fal-upscale';
import { falVariationModels } from './models/fal-variations';
import { modalEditModels } from './models/modal-edit';
import { modalLoraModels } from './models/modal-lora';
import { modalReferenceModels } from './models/modal-reference';
import { modalTextModels } from './models/modal-text';
import { modalVideoModels } from './models/modal-video';

/** Every endpoint the service can use. A new one is one entry in its list; routing orders it in `routing/`. */
export const models: readonly ModelDefinition[] = [
  ...modalTextModels,
  ...modalLoraModels,
  ...modalReferenceModels,
  ...modalVideoModels,
  ...modalEditModels,
  ...falTextModels,
  ...falReferenceModels,
  ...falEditModels,
  ...falUpscaleModels,
  ...falVariationModels,
  ...comfyUiModels,
];
