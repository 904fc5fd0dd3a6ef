import { createAssetRecords, type AssetRecords } from '../../src/db';
import type { Recipe } from '../../src/domain/generation';
import { picture } from './states';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
let records: AssetRecords;

beforeAll(async () => {
  database = await openTestDatabase();
  records = createAssetRecords(database.db);
}, 90_000);

afterAll(() => database.close());

function recipe(fields: Partial<Recipe> = {}): Recipe {
  return {
    generationId: 'g1',
    slot: 1,
    modelId: 'modal-flux-dev',
    provider: 'modal',
    endpoint: '/flux-dev',
    seed: 7,
    parameters: { prompt: 'at the beach', steps: 20 },
    inputs: [{ field: 'reference_image', assetId: 'f'.repeat(64) }],
    costUsd: 0.01,
    costEstimated: false,
    providerRequestId: 'request-1',
    ...fields,
  };
}

describe('asset records', () => {
  it('keep what an asset is and where it came from, however often it is recorded', async () => {
    const still = picture('1');
    await records.record(still, 'upload');
    await records.record(still, 'generation');

    expect(await records.find(still.assetId)).toMatchObject({ ...still, origin: 'upload' });
    expect(await records.recipes(still.assetId)).toEqual([]);
  });

  it('keep one recipe for each slot that made the same bytes', async () => {
    const still = picture('2');
    await records.record(still, 'generation', recipe());
    await records.record(still, 'generation', recipe({ slot: 2, costUsd: 0.02 }));
    await records.record(still, 'generation', recipe({ costUsd: 0.03 }));

    expect(await records.recipes(still.assetId)).toEqual([
      recipe({ costUsd: 0.03 }),
      recipe({ slot: 2, costUsd: 0.02 }),
    ]);
  });

  it('know nothing of an asset that was never recorded', async () => {
    expect(await records.find(picture('3').assetId)).toBeUndefined();
  });
});
