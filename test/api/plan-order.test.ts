import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { planOrder } from '../../src/api/generations/plan-order';
import { createFilesystemAssetStore, type AssetStore } from '../../src/assets';
import { loadSettings } from '../../src/config/env';
import { createAssetRecords, createGenerationStore, type AssetRecords } from '../../src/db';
import type { StoredAsset } from '../../src/domain/stored-asset';
import type { Lineage } from '../../src/domain/generation';
import type { SlotPlan } from '../../src/domain/plan';
import type { FlowRequest } from '../../src/domain/requests';
import { picture } from '../assets/pictures';
import { generationState } from '../db/states';
import { openTestDatabase, type TestDatabase } from '../db/test-database';
import { profilePictures, studio } from '../support/flow-requests';

let database: TestDatabase;
let records: AssetRecords;
let directory: string;
let store: AssetStore;
/** Seconds by endpoint. */
const measured = new Map<string, number>();

beforeAll(async () => {
  database = await openTestDatabase();
  records = createAssetRecords(database.db);
  await createGenerationStore(database.db).saveState(generationState({ generationId: 'earlier' }));
  directory = await mkdtemp(join(tmpdir(), 'ryla-generation-assets-'));
  store = createFilesystemAssetStore({ directory });
}, 90_000);

afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});

const plan = (flowRequest: FlowRequest, { lineage, seed = 1 }: { lineage?: Lineage; seed?: number } = {}) =>
  planOrder(
    {
      caller: 'default',
      routing: loadSettings({}).routing,
      assetRecords: records,
      assetStore: store,
      callLatencies: { p95Seconds: (endpoint) => Promise.resolve(measured.get(endpoint)) },
      readSet: (id) => createGenerationStore(database.db).findOfAnyone(id),
    },
    { flowRequest, lineage },
    seed,
  );

/** Stores a picture as that slot would have made it. */
async function make(slot: SlotPlan | undefined, seed: number, candidateIndex = 0): Promise<StoredAsset> {
  const asset = await store.put(Readable.from([await picture('png', { seed })]), { maxBytes: 1e6 });
  const candidate = slot!.candidates[candidateIndex]!;
  await records.record(asset, 'generation', {
    ...candidate,
    generationId: 'earlier',
    slot: slot!.slot,
    seed: slot!.seed,
    costUsd: 0.02,
    costEstimated: true,
  });
  return asset;
}

describe('the plan of a job that may reuse pictures', () => {
  it('holds the stored picture of each slot whose very recipe was made before', async () => {
    const fields = { count: 3, seed: 7, prompt: 'in a garden' };
    const first = await plan(studio(fields));
    const made = await make(first.slots[1], 1);

    const again = await plan(studio({ ...fields, reuse: true }));

    expect(again.slots.map(({ reusable }) => reusable?.asset.assetId)).toEqual([
      undefined,
      made.assetId,
      undefined,
    ]);
    expect(again.slots[1]?.reusable?.modelId).toBe(first.slots[1]?.candidates[0]?.modelId);
  });

  it('holds the picture a fallback made, until the first choice has made one', async () => {
    const fields = { seed: 13, prompt: 'on a pier' };
    const [slot] = (await plan(studio(fields))).slots;
    const found = async () => (await plan(studio({ ...fields, reuse: true }))).slots[0]?.reusable;

    const fromFallback = await make(slot, 5, 1);
    expect(await found()).toMatchObject({ asset: fromFallback, modelId: slot?.candidates[1]?.modelId });

    const fromFirst = await make(slot, 6);
    expect(await found()).toMatchObject({ asset: fromFirst, modelId: slot?.candidates[0]?.modelId });
  });

  it('counts the pictures that go in as part of the recipe', async () => {
    const first = await plan(profilePictures());
    const made = await make(first.slots[0], 2);

    expect((await plan(profilePictures({ reuse: true }))).slots[0]?.reusable?.asset).toMatchObject({
      assetId: made.assetId,
    });
  });

  it('holds none where it was not asked to', async () => {
    const fields = { seed: 11, prompt: 'at a lake' };
    await make((await plan(studio(fields))).slots[0], 3);

    expect((await plan(studio(fields))).slots[0]).not.toHaveProperty('reusable');
  });

  it('holds none whose bytes are gone', async () => {
    const fields = { seed: 12, prompt: 'at a lake' };
    const { assetId } = await make((await plan(studio(fields))).slots[0], 4);
    const found = async () => (await plan(studio({ ...fields, reuse: true }))).slots[0]?.reusable;
    expect(await found()).toBeDefined();
    const files = await readdir(directory, { recursive: true });
    await Promise.all(
      files.filter((file) => file.includes(assetId)).map((file) => rm(join(directory, file))),
    );

    expect(await found()).toBeUndefined();
  });
});

describe('the plan of a slot made anew', () => {
  it('is that slot alone, under its number, with the seed drawn for it', async () => {
    const lineage = { generationId: 'parent', slot: 2 };
    const request = studio({ count: 3, seed: undefined });
    const { slots } = await plan(request, { lineage, seed: 23 });

    expect(slots.map(({ slot, seed }) => [slot, seed])).toEqual([[2, 23]]);
  });
});

describe('when a call counts as slow', () => {
  const slowAfter = async (fields: object) =>
    (await plan(studio(fields))).slots[0]?.candidates.map(({ endpoint, slowAfterSeconds }) => [
      endpoint,
      slowAfterSeconds,
    ]);

  it('is as it was measured at each endpoint, and as the registry guesses where nothing was', async () => {
    measured.set('/flux-dev', 12.5);

    // The registry: twice the typical 37 s and 7 s.
    expect(await slowAfter({ hedge: true })).toEqual([
      ['/flux-dev', 12.5],
      ['fal-ai/flux/dev', 14],
    ]);
    expect(await slowAfter({})).toEqual([
      ['/flux-dev', 74],
      ['fal-ai/flux/dev', 14],
    ]);
  });
});
