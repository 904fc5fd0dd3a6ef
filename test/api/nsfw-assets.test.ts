import { randomUUID } from 'node:crypto';
import { createAssetRecords, createGenerationStore } from '../../src/db';
import type { Recipe } from '../../src/domain/generation';
import { generationState, slotState } from '../db/states';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi({ NSFW_ENABLED: 'true' });
  await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {} });
}, 90_000);
afterAll(() => api.close());

type Noted = 'by its slot' | 'by its recipe';

/** A picture here that a generation made; noted in one way only, as right after a crash. */
async function madeBy({ nsfw, noted, seed }: { nsfw: boolean; noted: Noted; seed: number }): Promise<string> {
  const url = await api.upload(seed);
  const assetId = url.split('/').at(-1) ?? '';
  const asset = { assetId, mediaType: 'image/png', bytes: 1 } as const;
  const made = slotState({ status: 'completed', asset });
  const generationId = randomUUID();
  const state = generationState({
    generationId,
    nsfw,
    slots: noted === 'by its slot' ? [made] : [slotState()],
  });
  await createGenerationStore(api.database.db).saveState(state);
  if (noted === 'by its slot') return url;
  await createAssetRecords(api.database.db).record(asset, 'generation', {
    generationId,
    slot: 1,
    modelId: 'modal-flux-dev',
    parameters: {},
    inputs: [] as Recipe['inputs'],
  } as Recipe);
  return url;
}

function plan(fields: object) {
  const payload = { flow: 'studio', characterId: 'ava', prompt: 'in a cafe', ...fields };
  return api.send({ method: 'POST', url: '/v1/route-plans', payload });
}

describe('a picture that an NSFW request made', () => {
  it.each<[string, object, Noted, number]>([
    ['referenceImageUrl', { mode: 'creating' }, 'by its slot', 11],
    ['sourceImageUrl', { mode: 'variations' }, 'by its slot', 12],
    ['sourceImageUrl', { mode: 'variations' }, 'by its recipe', 13],
  ])(
    'is refused as the %s of a request that is not declared so: %j, known %s',
    async (field, mode, noted, seed) => {
      const url = await madeBy({ nsfw: true, noted, seed });

      const refused = await plan({ ...mode, [field]: url });
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ field, code: 'nsfw_asset' }] } });

      const declared = await plan({ ...mode, [field]: url, nsfw: true });
      expect(declared.status).toBe(200);
      const [slot] = declared.body['slots'] as { candidates: { provider: string; eligible: boolean }[] }[];
      const eligible = slot?.candidates.filter((one) => one.eligible).map(({ provider }) => provider);
      expect(eligible).toContain('modal');
      expect(eligible).not.toContain('fal');
    },
  );

  it('is refused for a profile set as well', async () => {
    const referenceImageUrl = await madeBy({ nsfw: true, noted: 'by its slot', seed: 14 });
    const answer = await plan({ flow: 'profile-pictures', referenceImageUrl });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ code: 'nsfw_asset' }] } });
  });

  it('is told from others: any other picture of ours may be used', async () => {
    const referenceImageUrl = await madeBy({ nsfw: false, noted: 'by its slot', seed: 15 });
    expect((await plan({ mode: 'creating', referenceImageUrl })).status).toBe(200);
  });

  it('is refused for a moment while nobody has noted whose it is', async () => {
    const referenceImageUrl = await madeBy({ nsfw: false, noted: 'by its recipe', seed: 16 });
    await api.database.db
      .deleteFrom('assets')
      .where('id', '=', referenceImageUrl.split('/').at(-1) ?? '')
      .execute();
    const answer = await plan({ mode: 'creating', referenceImageUrl });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ code: 'asset_not_ready' }] } });
  });
});
