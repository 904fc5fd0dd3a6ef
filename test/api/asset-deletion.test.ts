import { Readable } from 'node:stream';
import { createAssetRecords, createGenerationStore } from '../../src/db';
import type { Recipe } from '../../src/domain/generation';
import { signedAssetPath } from '../../src/api/http/asset-signature';
import { picture } from '../assets/pictures';
import { generationState, slotState } from '../db/states';
import { keyHolder, type KeyHolder } from './keys-api';
import { openTestApi, type TestApi } from './test-api';

const secret = 'a secret of this test, and of no other one';
const scopes = ['start', 'read'] as const;
let api: TestApi;
let owner: KeyHolder;
let other: KeyHolder;
let seed = 300;

beforeAll(async () => {
  api = await openTestApi({ API_AUTH: 'keys' }, { assetUrlSecret: secret });
  owner = await keyHolder(api, 'owner', scopes);
  other = await keyHolder(api, 'other', scopes);
  await owner.send({ method: 'PUT', url: '/v1/characters/ava' });
}, 90_000);

afterAll(() => api.close());

async function upload(by: KeyHolder, payload: Buffer): Promise<string> {
  const headers = { 'content-type': 'image/png' };
  const { body } = await by.send({ method: 'POST', url: '/v1/assets', payload, headers });
  return String(body['id']);
}

const anything = () => picture('png', { seed: (seed += 1) });
const get = (by: KeyHolder, id: string) => by.send({ url: `/v1/assets/${id}` });
const remove = (by: KeyHolder, id: string) => by.send({ method: 'DELETE', url: `/v1/assets/${id}` });
const edit = (by: KeyHolder, id: string) =>
  by.send({
    method: 'POST',
    url: '/v1/studio',
    payload: {
      characterId: 'ava',
      mode: 'editing',
      prompt: 'a red coat',
      sourceImageUrl: `/v1/assets/${id}`,
    },
  });

/** As a worker does when a generation has ended. */
async function finish(generationId: string, assetId?: string): Promise<void> {
  const asset = assetId === undefined ? undefined : ({ assetId, mediaType: 'image/png', bytes: 1 } as const);
  const finishedAt = '2026-01-02T03:04:06.000Z';
  await createGenerationStore(api.database.db).saveState(
    generationState({
      ...{ generationId, status: 'completed', revision: 2, finishedAt },
      slots: [slotState({ status: 'completed', asset, finishedAt })],
    }),
  );
}

describe('an asset that its owner deletes', () => {
  it('is not there any more, whichever way it is asked for, and leaves no bytes', async () => {
    const id = await upload(owner, await anything());
    const url = `/v1/assets/${id}`;
    const link = signedAssetPath(secret, id, Math.floor(Date.now() / 1000) + 60);
    expect((await owner.send({ url: `${url}/thumbnail` })).status).toBe(200);
    expect((await api.send({ url: link })).status).toBe(200);

    expect((await remove(owner, id)).status).toBe(204);

    const after = [
      await get(owner, id),
      await owner.send({ url: `${url}/thumbnail` }),
      await owner.send({ url: `${url}/recipe` }),
      await owner.send({ method: 'POST', url: `${url}/links` }),
      await api.send({ url: link }),
      await api.send({ url: link.replace('?', '/thumbnail?') }),
      await remove(owner, id),
    ];
    expect(after.map(({ status }) => status)).toEqual(after.map(() => 404));
    expect(await edit(owner, id)).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'unknown_asset' }] },
    });
    expect(await api.assetStore.find(id)).toBeUndefined();
    expect(await api.assetStore.openThumbnail(id, 320)).toBeUndefined();
  });

  it('stands in the audit table', async () => {
    const id = await upload(owner, await anything());
    await remove(owner, id);

    const entries = await api.database.db
      .selectFrom('audit_entries')
      .select(['caller', 'action'])
      .where('subject', '=', `/v1/assets/${id}`)
      .execute();
    expect(entries).toEqual([{ caller: 'owner', action: 'asset.delete' }]);
  });

  it('stays with everybody else who has it, and goes with the last of them', async () => {
    const bytes = await anything();
    const id = await upload(owner, bytes);
    await upload(other, bytes);

    await remove(owner, id);
    expect([(await get(owner, id)).status, (await get(other, id)).status]).toEqual([404, 200]);

    await remove(other, id);
    expect(await api.assetStore.find(id)).toBeUndefined();
  });

  it('is theirs again when they send it again', async () => {
    const bytes = await anything();
    const id = await upload(owner, bytes);
    await remove(owner, id);

    expect(await upload(owner, bytes)).toBe(id);
    expect((await get(owner, id)).status).toBe(200);
  });

  it('stays while a generation that is not finished uses it', async () => {
    const id = await upload(owner, await anything());
    const { body } = await edit(owner, id);

    expect(await remove(owner, id)).toMatchObject({ status: 409, body: { code: 'asset_in_use' } });
    expect((await get(owner, id)).status).toBe(200);

    await finish(String(body['id']));
    expect((await remove(owner, id)).status).toBe(204);
  });

  it('may be a picture that was made: its generation tells of it still, and reuse does not find it', async () => {
    const payload = {
      characterId: 'ava',
      prompt: 'at sea',
      seed: 7,
      modelId: 'modal-flux-dev',
      strict: true,
    };
    const start = (more: object) =>
      owner.send({ method: 'POST', url: '/v1/studio', payload: { ...payload, ...more } });
    const generationId = String((await start({})).body['id']);
    const bytes = await anything();
    const { assetId } = await api.assetStore.put(Readable.from([bytes]));
    const [candidate] = api.temporal.started.at(-1)!.plan.slots[0]!.candidates;
    const made: Recipe = { ...candidate!, generationId, slot: 1, seed: 7, costUsd: 0, costEstimated: false };
    const asset = { assetId, mediaType: 'image/png', bytes: 1 } as const;
    await createAssetRecords(api.database.db).record(asset, 'generation', made);
    expect((await remove(owner, assetId)).status).toBe(409);
    await finish(generationId, assetId);
    const reused = () => api.temporal.started.at(-1)?.plan.slots[0]?.reusable?.asset.assetId;
    await start({ reuse: true });
    expect(reused()).toBe(assetId);
    // So that the bytes stay: they are not what says whose it is.
    await upload(other, bytes);

    expect((await remove(owner, assetId)).status).toBe(204);

    const { body } = await owner.send({ url: `/v1/generations/${generationId}` });
    expect(body).toMatchObject({ slots: [{ assetId }] });
    expect((await get(owner, assetId)).status).toBe(404);
    await start({ reuse: true });
    expect(reused()).toBeUndefined();
  });

  it("stays the owner's when its bytes cannot be removed", async () => {
    const id = await upload(owner, await anything());
    const failing = jest
      .spyOn(api.assetStore, 'remove')
      .mockRejectedValueOnce(Object.assign(new Error('read-only'), { code: 'EROFS', syscall: 'unlink' }));

    expect(await remove(owner, id)).toMatchObject({ status: 503, body: { code: 'assets_unavailable' } });
    expect((await get(owner, id)).status).toBe(200);
    failing.mockRestore();
    expect((await remove(owner, id)).status).toBe(204);
  });

  it('is not deleted by a key that may only look, nor by another caller', async () => {
    const id = await upload(owner, await anything());
    const reader = await keyHolder(api, 'owner', ['read']);

    expect(await remove(reader, id)).toMatchObject({ status: 403, body: { scope: 'start' } });
    expect((await remove(other, id)).status).toBe(404);
    expect((await get(owner, id)).status).toBe(200);
  });
});
