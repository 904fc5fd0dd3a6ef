import { createAssetRecords, createGenerationStore, type AssetRecords } from '../../src/db';
import type { Recipe } from '../../src/domain/generation';
import { generationState, picture } from './states';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
let records: AssetRecords;

beforeAll(async () => {
  database = await openTestDatabase();
  records = createAssetRecords(database.db);
  const generations = createGenerationStore(database.db);
  await generations.saveState(generationState({ generationId: 'g1' }));
  await generations.saveState(generationState({ generationId: 'of-another', caller: 'another' }));
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

describe('an asset whose bytes are just being removed', () => {
  it('is noted for another sender only afterwards, who can see then that they are gone', async () => {
    const still = picture('a');
    await records.recordUpload(still, 'default');
    const order: string[] = [];
    let sending: Promise<void> | undefined;

    const removed = await records.remove('default', still.assetId, async () => {
      sending = records.recordUpload(still, 'another').then(() => void order.push('noted'));
      await new Promise((resolve) => setTimeout(resolve, 200));
      order.push('bytes gone');
    });
    await sending;

    expect(removed).toBe('removed');
    expect(order).toEqual(['bytes gone', 'noted']);
    expect(await records.belongsTo('default', still.assetId)).toBe(false);
    expect(await records.belongsTo('another', still.assetId)).toBe(true);
  });

  it('is not removed before it is noted: its generation is under way', async () => {
    const { assetId } = picture('b');
    await records.own('default', [assetId]);
    const removeBytes = jest.fn();

    expect(await records.remove('default', assetId, removeBytes)).toBe('in_use');
    expect(removeBytes).not.toHaveBeenCalled();
  });
});

describe('asset records', () => {
  it('keep what an asset is and where it came from, however often it is recorded', async () => {
    const still = picture('1');
    await records.record(still, 'upload');
    await records.record(still, 'generation');

    expect(await records.find(still.assetId)).toMatchObject({ ...still, origin: 'upload' });
    expect(await records.recipes('default', still.assetId)).toEqual([]);
  });

  it('keep one recipe for each slot that made the same bytes', async () => {
    const still = picture('2');
    await records.record(still, 'generation', recipe());
    await records.record(still, 'generation', recipe({ slot: 2, costUsd: 0.02 }));
    await records.record(still, 'generation', recipe({ costUsd: 0.03 }));

    expect(await records.recipes('default', still.assetId)).toEqual([
      recipe({ costUsd: 0.03 }),
      recipe({ slot: 2, costUsd: 0.02 }),
    ]);
  });

  it('know nothing of an asset that was never recorded', async () => {
    expect(await records.find(picture('3').assetId)).toBeUndefined();
  });
});

describe('a picture of the very same recipe', () => {
  const made = { slot: 9, parameters: { prompt: 'a dog', steps: 20, seed: 7 } };

  it('is found, in whatever order its fields are named', async () => {
    await records.record(picture('4'), 'generation', recipe(made));
    const sameRecipe = recipe({
      generationId: 'g2',
      slot: 1,
      parameters: { seed: 7, steps: 20, prompt: 'a dog' },
    });

    expect(await records.findMade('default', sameRecipe)).toEqual(picture('4'));
  });

  it.each<[string, Partial<Recipe>]>([
    ['seed', { parameters: { ...made.parameters, seed: 8 } }],
    ['prompt', { parameters: { ...made.parameters, prompt: 'a cat' } }],
    ['endpoint', { ...made, endpoint: '/flux' }],
    ['model', { ...made, modelId: 'fal-flux-dev' }],
    ['input picture', { ...made, inputs: [{ field: 'reference_image', assetId: 'e'.repeat(64) }] }],
    ['use of it', { ...made, inputs: [{ field: 'source_image', assetId: 'f'.repeat(64) }] }],
  ])('is not found for another %s', async (_name, fields) => {
    await records.record(picture('4'), 'generation', recipe(made));

    expect(await records.findMade('default', recipe(fields))).toBeUndefined();
  });

  it('is the newest one where there are several', async () => {
    const parameters = { prompt: 'twice' };
    await records.record(picture('5'), 'generation', recipe({ slot: 20, parameters }));
    await database.db
      .updateTable('recipes')
      .set({ created_at: '2026-01-02T03:04:05.000Z' })
      .where('asset_id', '=', picture('5').assetId)
      .execute();
    await records.record(picture('6'), 'generation', recipe({ slot: 21, parameters }));

    expect(await records.findMade('default', recipe({ parameters }))).toEqual(picture('6'));
  });

  it('is not found where another caller made it', async () => {
    const parameters = { prompt: 'of another' };
    await records.record(picture('7'), 'generation', recipe({ generationId: 'of-another', parameters }));

    expect(await records.findMade('default', recipe({ parameters }))).toBeUndefined();
    expect(await records.findMade('another', recipe({ parameters }))).toEqual(picture('7'));
  });
});

describe('an asset', () => {
  const { assetId } = picture('8');

  it('belongs to everybody who has sent it', async () => {
    await records.recordUpload(picture('8'), 'default');
    expect(await records.belongsTo('another', assetId)).toBe(false);

    await records.recordUpload(picture('8'), 'another');
    expect(await records.belongsTo('default', assetId)).toBe(true);
    expect(await records.belongsTo('another', assetId)).toBe(true);
  });

  it('belongs to the caller whose generation made it, who alone reads how', async () => {
    await records.record(picture('9'), 'generation', recipe({ generationId: 'of-another' }));

    expect(await records.belongsTo('another', picture('9').assetId)).toBe(true);
    expect(await records.belongsTo('default', picture('9').assetId)).toBe(false);
    expect(await records.recipes('default', picture('9').assetId)).toEqual([]);
  });
});
