import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createFilesystemAssetStore, toMediaStore, type AssetStore } from '../../../src/assets';
import type { WireInput } from '../../../src/domain/plan';
import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderClient, ProviderJob } from '../../../src/providers/types';
import {
  estimatePriceUsd,
  expectedSizeOf,
  leastUpscaledSize,
  models,
  type ModelDefinition,
} from '../../../src/registry';
import { parseWire } from '../../../src/registry/parse-wire';
import type { SlotSettings } from '../../../src/registry/types';
import { picture } from '../../assets/pictures';
import { providerErrorOf, testCall, testJob } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';

let emulated: Emulated;
let clients: Record<ModelDefinition['provider'], ProviderClient>;
let directory: string;
let store: AssetStore;

beforeAll(async () => {
  emulated = await startEmulated();
  const comfyui = createComfyUiClient({ baseUrl: emulated.urls.comfyui });
  clients = { modal: emulated.named, fal: emulated.fal, comfyui };
  directory = await mkdtemp(join(tmpdir(), 'ryla-price-'));
  store = createFilesystemAssetStore({ directory });
});

afterEach(async () => {
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
  await rm(directory, { recursive: true, force: true });
});

const source = { sourceWidth: 96, sourceHeight: 64 };
const sizes: [name: string, asked: Partial<SlotSettings>][] = [
  ['no size', {}],
  ['832x1472', { width: 832, height: 1472 }],
  ['16:9 by name', { width: 1472, height: 832, aspectRatio: '16:9' }],
  ['272x256, twice the source and 17 frames', { width: 272, height: 256, upscaleFactor: 2, frames: 17 }],
];

function settingsOf(model: ModelDefinition, asked: Partial<SlotSettings>): SlotSettings {
  const { loraBaseModel: baseModel } = model;
  const lora = baseModel && { loraId: 'demo', baseModel, triggerWord: 'ohwx', strength: 1 };
  const settings = { prompt: 'a red door', seed: 7, nsfw: false, ...source, ...asked, lora };
  // The one factor this endpoint knows.
  return model.id === 'fal-aura-sr' ? { ...settings, upscaleFactor: undefined } : settings;
}

async function inputsOf({ inputs }: ModelDefinition): Promise<WireInput[]> {
  const planned: WireInput[] = [];
  for (const [index, input] of Object.values(inputs).entries()) {
    const { assetId, mediaType } = await store.put(Readable.from([await picture('png', { seed: index })]));
    planned.push({ ...input, assetId, mediaType });
  }
  return planned;
}

async function jobOf(model: ModelDefinition, settings: SlotSettings): Promise<ProviderJob> {
  const wire = parseWire(model, settings);
  if (!wire.ok) throw new Error(wire.problem);
  const { app, backendId: endpoint, mediaKind } = model;
  const { parameters } = wire;
  const expectedSize = expectedSizeOf(parameters) ?? leastUpscaledSize(model, parameters, settings);
  return testJob({ app, endpoint, parameters, inputs: await inputsOf(model), mediaKind, expectedSize });
}

describe.each(models.map((model) => [model.id, model] as const))('%s', (_id, model) => {
  it.each(sizes)(
    'charges the estimate to the millionth and delivers the size asked for: %s',
    async (_name, asked) => {
      const settings = settingsOf(model, asked);
      const media = toMediaStore(store);
      const result = await runJob(clients[model.provider], await jobOf(model, settings), {
        ...testCall().context,
        media,
      });
      const [entry] = emulated.journal.read().entries;
      const estimate = estimatePriceUsd(model, settings);
      expect(entry).toMatchObject({ outcome: 'succeeded', chargedUsd: estimate });
      expect(result.costUsd ?? estimate).toBe(estimate);
    },
  );
});

it.each(['modal', 'fal', 'comfyui'] as const)(
  'refuses a picture of half the size from %s, which is paid all the same',
  async (provider) => {
    emulated.faults.add({ provider, fault: 'wrong_size' });
    const model = models.find((candidate) => candidate.provider === provider);
    if (model === undefined) throw new Error('no model');
    const job = await jobOf(model, settingsOf(model, { width: 512, height: 512 }));
    const context = { ...testCall().context, media: toMediaStore(store) };
    const error = await providerErrorOf(runJob(clients[provider], job, context));
    const expected = { failureClass: 'corrupt', code: 'media_wrong_size', certainty: 'accepted' };
    // Modal's named jobs and Fal say what it cost.
    const charge = provider !== 'comfyui' ? { usd: emulated.journal.read().entries[0]?.chargedUsd } : 'price';
    expect(error).toMatchObject({ ...expected, charge, endsJob: true });
  },
);

it('refuses an upscale that is no larger than its source', async () => {
  emulated.faults.add({ provider: 'fal', fault: 'wrong_size' });
  const model = models.find(({ id }) => id === 'fal-seedvr-upscale');
  if (model === undefined) throw new Error('no model');
  const job = await jobOf(model, settingsOf(model, { upscaleFactor: 2 }));
  const context = { ...testCall().context, media: toMediaStore(store) };
  const error = await providerErrorOf(runJob(clients.fal, job, context));
  expect(error).toMatchObject({ failureClass: 'corrupt', code: 'media_wrong_size', charge: { usd: 0.03 } });
});

it.each([
  ['fal-topaz-upscale', { upscaleFactor: 4 }, 1.25],
  ['fal-topaz-upscale', { upscaleFactor: 1 }, 1],
  ['modal-seedvr2', {}, 1.25],
  ['modal-seedvr2', { sourceWidth: 5000, sourceHeight: 2500 }, 0.8],
  ['comfyui-upscale-4x', {}, 1.25],
])('holds an upscale by %s with %j to %d times its source', (id, asked, growth) => {
  const model = models.find((one) => one.id === id);
  if (model === undefined) throw new Error('no model');
  const settings = { ...settingsOf(model, {}), ...asked };
  const wire = parseWire(model, settings);
  const { sourceWidth = 0, sourceHeight = 0 } = settings;
  expect(wire.ok && leastUpscaledSize(model, wire.parameters, settings)).toEqual({
    width: sourceWidth * growth,
    height: sourceHeight * growth,
  });
});

it('holds to their sizes all pictures that are made from a text or a face', () => {
  const held = models.filter((model) => expectedSizeOf(parametersOf(model)) !== undefined);
  const sized = models.filter(
    ({ mediaKind, studioModes }) => mediaKind === 'image' && studioModes.includes('creating'),
  );
  expect(held.map(({ id }) => id)).toEqual(sized.map(({ id }) => id));
});

function parametersOf(model: ModelDefinition) {
  const wire = parseWire(model, settingsOf(model, {}));
  return wire.ok ? wire.parameters : {};
}
