import { createHash } from 'node:crypto';
import type { WireInput } from '../../../src/domain/plan';
import type { ProviderJob } from '../../../src/providers/types';
import { models } from '../../../src/registry';
import type { ModelDefinition, SlotSettings } from '../../../src/registry/types';
import { testJob } from './call';
import type { MemoryMediaStore } from './memory-media-store';
import { testPicture } from './pictures';

const settings: SlotSettings = {
  prompt: 'a red door',
  negativePrompt: 'blur',
  width: 256,
  height: 320,
  seed: 7,
  steps: 8,
  guidance: 1.5,
  strength: 0.5,
  referenceStrength: 0.6,
  upscaleFactor: 4,
  sourceWidth: 64,
  sourceHeight: 64,
  frames: 5,
  fps: 8,
  nsfw: false,
};

/** The models of one provider, by backend id, for `it.each`. */
export function modelsOf(
  provider: ModelDefinition['provider'],
): [backendId: string, model: ModelDefinition][] {
  return models.filter((model) => model.provider === provider).map((model) => [model.backendId, model]);
}

/** A job as the registry would plan it, with every setting given and every input picture in the store. */
export async function modelJob(model: ModelDefinition, media: MemoryMediaStore): Promise<ProviderJob> {
  const { loraBaseModel: baseModel } = model;
  const lora = baseModel && { loraId: 'demo', baseModel, triggerWord: 'ohwx', strength: 0.9 };
  const parameters = model.parameters.parse(model.toWire({ ...settings, lora }));
  const { app, backendId, mediaKind } = model;
  const inputs = await inputsOf(model, media);
  return testJob({
    app,
    endpoint: backendId,
    parameters: parameters as ProviderJob['parameters'],
    inputs,
    mediaKind,
  });
}

async function inputsOf({ inputs }: ModelDefinition, media: MemoryMediaStore): Promise<WireInput[]> {
  const planned: WireInput[] = [];
  for (const [index, input] of Object.values(inputs).entries()) {
    const assetId = media.add(await testPicture('png', 100 + index), 'image/png');
    planned.push({ ...input, assetId, mediaType: 'image/png' });
  }
  return planned;
}

export interface PictureNote {
  /** Absent from the wire where a picture is sent as bare base64. */
  mediaType: string | undefined;
  sha256: string;
  bytes: number;
}

/** The `index`th input picture of a job, as the emulator's journal notes it. */
export async function pictureNote(index: number): Promise<PictureNote> {
  const content = await testPicture('png', 100 + index);
  return {
    mediaType: 'image/png',
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.length,
  };
}
