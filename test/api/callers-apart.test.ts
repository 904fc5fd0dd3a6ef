import { Readable } from 'node:stream';
import { createAssetRecords, createGenerationStore } from '../../src/db';
import type { Recipe } from '../../src/domain/generation';
import { picture } from '../assets/pictures';
import { generationState, slotState } from '../db/states';
import { keyHolder, type KeyHolder } from './keys-api';
import { openTestApi, type Answer, type Call, type TestApi } from './test-api';

/**
 * A walk of two callers over every route. Whoever adds a route adds a line here: what the route shows of a thing must be the
 * same for a stranger's thing as for one that does not exist.
 */
let api: TestApi;
let owner: KeyHolder;
let stranger: KeyHolder;
let things: Things;
/** The same names for things that nobody has. */
let nothings: Things;

interface Things {
  characterId: string;
  loraId: string;
  generationId: string;
  assetId: string;
}

const everything = ['start', 'read', 'nsfw'] as const;
const secret = 'freckles-and-a-scar';

beforeAll(async () => {
  api = await openTestApi({ API_AUTH: 'keys', NSFW_ENABLED: 'true', API_RATE_PER_MINUTE: '5000' });
  owner = await keyHolder(api, 'owner', everything);
  stranger = await keyHolder(api, 'stranger', everything);
  things = await ownThings();
  nothings = {
    characterId: 'nobodys',
    loraId: 'nobodys1',
    generationId: '00000000-0000-4000-8000-000000000000',
    assetId: 'e'.repeat(64),
  };
}, 90_000);

afterAll(() => api.close());

beforeEach(() => {
  api.temporal.state = undefined;
});

/** A character, a LoRA, an upload, and a generation with a finished slot, a picture and a recipe. */
async function ownThings(): Promise<Things> {
  await owner.send({ method: 'PUT', url: '/v1/characters/ava', payload: { name: secret } });
  const lora = { baseModel: 'flux', triggerWord: secret };
  await owner.send({ method: 'PUT', url: '/v1/characters/ava/loras/ava1', payload: lora });
  const assetId = await upload(owner, 1);
  const payload = { characterId: 'ava', prompt: secret, seed: 7, modelId: 'modal-flux-dev', strict: true };
  const headers = { 'idempotency-key': 'order-1' };
  const { body } = await owner.send({ method: 'POST', url: '/v1/studio', payload, headers });
  const generationId = String(body['id']);
  await finish(generationId, assetId);
  return { characterId: 'ava', loraId: 'ava1', generationId, assetId };
}

async function finish(generationId: string, assetId: string): Promise<void> {
  const asset = { assetId, mediaType: 'image/png', bytes: 1 } as const;
  const [candidate] = api.temporal.started.at(-1)!.plan.slots[0]!.candidates;
  const { modelId, provider, endpoint, parameters } = candidate!;
  const recipe: Recipe = {
    ...{ modelId, provider, endpoint, parameters, inputs: [] },
    generationId,
    slot: 1,
    seed: 7,
    costUsd: 0.02,
    costEstimated: false,
  };
  await createAssetRecords(api.database.db).record(asset, 'generation', recipe);
  const finishedAt = '2026-01-02T03:04:06.000Z';
  await createGenerationStore(api.database.db).saveState(
    generationState({
      ...{ generationId, status: 'completed', revision: 2, costUsd: 0.02, finishedAt },
      slots: [slotState({ status: 'completed', asset, finishedAt })],
    }),
  );
}

async function upload(by: KeyHolder, seed: number): Promise<string> {
  const payload = await picture('png', { seed });
  const headers = { 'content-type': 'image/png' };
  const { body } = await by.send({ method: 'POST', url: '/v1/assets', payload, headers });
  return String(body['id']);
}

type Walk = (of: Things) => Call;

/** How each route is asked for a thing. `own`: it shows the caller's own things alone, and names none. */
const walks: Record<string, Walk | { own: Call } | 'for nobody in particular'> = {
  'GET /v1/characters/:id': ({ characterId }) => ({ url: `/v1/characters/${characterId}` }),
  'GET /v1/characters': { own: { url: '/v1/characters' } },
  'GET /v1/characters/:id/loras': ({ characterId }) => ({ url: `/v1/characters/${characterId}/loras` }),
  'GET /v1/characters/:id/loras/:loraId': ({ characterId, loraId }) => ({
    url: `/v1/characters/${characterId}/loras/${loraId}`,
  }),
  'PUT /v1/characters/:id/loras/:loraId': ({ characterId, loraId }) => ({
    method: 'PUT',
    url: `/v1/characters/${characterId}/loras/${loraId}`,
    payload: { baseModel: 'flux', triggerWord: 'taken' },
  }),
  'DELETE /v1/characters/:id/loras/:loraId': ({ characterId, loraId }) => ({
    method: 'DELETE',
    url: `/v1/characters/${characterId}/loras/${loraId}`,
  }),
  'POST /v1/route-plans': ({ characterId }) => ({
    method: 'POST',
    url: '/v1/route-plans',
    payload: { flow: 'studio', characterId, prompt: 'in a cafe' },
  }),
  'POST /v1/base-images': ({ characterId }) => ({
    method: 'POST',
    url: '/v1/base-images',
    payload: { characterId, prompt: 'in a cafe' },
  }),
  'POST /v1/profile-pictures': ({ characterId, assetId }) => ({
    method: 'POST',
    url: '/v1/profile-pictures',
    payload: { characterId, prompt: 'in a cafe', referenceImageUrl: `/v1/assets/${assetId}` },
  }),
  'POST /v1/studio': ({ characterId }) => ({
    method: 'POST',
    url: '/v1/studio',
    payload: { characterId, prompt: 'in a cafe', useLora: true },
  }),
  'GET /v1/generations/:id': ({ generationId }) => ({ url: `/v1/generations/${generationId}` }),
  'GET /v1/generations': { own: { url: '/v1/generations' } },
  'POST /v1/generations/:id/cancel': ({ generationId }) => ({
    method: 'POST',
    url: `/v1/generations/${generationId}/cancel`,
  }),
  'POST /v1/generations/:id/retry-now': ({ generationId }) => ({
    method: 'POST',
    url: `/v1/generations/${generationId}/retry-now`,
  }),
  'POST /v1/generations/:id/slots/:slot/decide': ({ generationId }) => ({
    method: 'POST',
    url: `/v1/generations/${generationId}/slots/1/decide`,
    payload: { decision: 'give_up' },
  }),
  'POST /v1/generations/:id/slots/:slot/regenerate': ({ generationId }) => ({
    method: 'POST',
    url: `/v1/generations/${generationId}/slots/1/regenerate`,
  }),
  'GET /v1/assets/:id': ({ assetId }) => ({ url: `/v1/assets/${assetId}` }),
  'HEAD /v1/assets/:id': ({ assetId }) => ({ method: 'HEAD', url: `/v1/assets/${assetId}` }),
  'GET /v1/assets/:id/recipe': ({ assetId }) => ({ url: `/v1/assets/${assetId}/recipe` }),
  'DELETE /v1/assets/:id': ({ assetId }) => ({ method: 'DELETE', url: `/v1/assets/${assetId}` }),
  'GET /v1/assets/:id/thumbnail': ({ assetId }) => ({ url: `/v1/assets/${assetId}/thumbnail` }),
  'POST /v1/assets/:id/links': ({ assetId }) => ({ method: 'POST', url: `/v1/assets/${assetId}/links` }),
  'GET /v1/spend': { own: { url: '/v1/spend' } },
  // Making something is no look at what is there.
  'PUT /v1/characters/:id': 'for nobody in particular',
  'POST /v1/assets': 'for nobody in particular',
  'GET /v1/models': 'for nobody in particular',
  'GET /v1/providers': 'for nobody in particular',
  // For administrators, who see keys and the audit table of all callers, and nothing else.
  'POST /v1/api-keys': 'for nobody in particular',
  'GET /v1/api-keys': 'for nobody in particular',
  'DELETE /v1/api-keys/:id': 'for nobody in particular',
  'GET /v1/audit': 'for nobody in particular',
};

/** The routes as the app has them; HEAD of a GET is the same handler, unless it has a line of its own. */
function routes(): string[] {
  const all = api.app.servedRoutes.filter(({ access }) => access !== 'public');
  const named = all.map(({ method, url }) => `${method} ${url}`);
  return named.filter((route) => !route.startsWith('HEAD ') || route in walks).toSorted();
}

/** What an answer says once the names that were asked for and the name of the request are taken out. */
function told({ status, body }: Answer, of: Things): unknown {
  let text = JSON.stringify({ ...body, requestId: '' });
  for (const name of Object.values(of)) text = text.replaceAll(String(name), '…');
  return { status, text };
}

it('goes over every route there is', () => {
  expect(Object.keys(walks).toSorted()).toEqual(routes());
});

const lookups = Object.entries(walks).filter(
  (entry): entry is [string, Walk] => typeof entry[1] === 'function',
);
const lists = Object.entries(walks).flatMap(([route, walk]) =>
  typeof walk === 'object' ? [[route, walk.own] as const] : [],
);

describe('what belongs to another caller', () => {
  it.each(lookups)('is not there for %s', async (_route, walk) => {
    const paid = api.temporal.started.length;
    const ofAnother = await stranger.send(walk(things));
    const ofNobody = await stranger.send(walk(nothings));

    expect(ofAnother.status).toBeGreaterThanOrEqual(400);
    expect(told(ofAnother, things)).toEqual(told(ofNobody, nothings));
    expect(JSON.stringify(ofAnother.body)).not.toContain(secret);
    expect(api.temporal.started).toHaveLength(paid);
    expect(api.temporal.messages).toEqual([]);
    expect(api.temporal.cancelled).toEqual([]);
  });

  it.each(lists)('is in no list: %s', async (_route, call) => {
    const text = JSON.stringify((await stranger.send(call)).body);

    for (const name of [secret, things.generationId, things.assetId, '0.02'])
      expect(text).not.toContain(name);
    expect(JSON.stringify((await owner.send(call)).body)).not.toBe(text);
  });

  it('is there for its owner', async () => {
    const read = lookups.filter(([route]) => route.startsWith('GET ') || route.startsWith('HEAD '));
    const statuses = await Promise.all(read.map(async ([, walk]) => (await owner.send(walk(things))).status));

    expect(statuses).toEqual(read.map(() => 200));
  });
});

describe('two callers', () => {
  it('may have a character and a LoRA of one name each', async () => {
    const other = await keyHolder(api, 'namesake', everything);
    const put = await other.send({ method: 'PUT', url: '/v1/characters/ava', payload: { name: 'Other' } });
    const lora = { baseModel: 'qwen', triggerWord: 'other' };
    await other.send({ method: 'PUT', url: '/v1/characters/ava/loras/ava1', payload: lora });

    expect(put.status).toBe(201);
    expect((await owner.send({ url: '/v1/characters/ava' })).body).toMatchObject({ name: secret });
    expect((await owner.send({ url: '/v1/characters/ava/loras/ava1' })).body).toMatchObject({
      baseModel: 'flux',
    });
    expect((await other.send({ url: '/v1/generations?characterId=ava' })).body).toMatchObject({ items: [] });
  });

  it('own a picture both, once both have sent it, and read only how they made it themselves', async () => {
    const other = await keyHolder(api, 'second-sender', everything);
    const url = `/v1/assets/${things.assetId}`;
    expect((await other.send({ url })).status).toBe(404);

    expect(await upload(other, 1)).toBe(things.assetId);
    expect((await other.send({ url })).status).toBe(200);
    expect((await other.send({ url: `${url}/recipe` })).body).toEqual({
      assetId: things.assetId,
      recipes: [],
    });
    expect((await owner.send({ url: `${url}/recipe` })).body['recipes']).toHaveLength(1);
  });

  it('never get a stored picture of the other by reuse', async () => {
    const other = await keyHolder(api, 'reuser', everything);
    await other.send({ method: 'PUT', url: '/v1/characters/ava' });
    const payload = {
      ...{ characterId: 'ava', prompt: secret, seed: 7, modelId: 'modal-flux-dev', strict: true },
      reuse: true,
    };
    const start = { method: 'POST', url: '/v1/studio', payload };
    const reused = () => api.temporal.started.at(-1)?.plan.slots[0]?.reusable;

    expect((await owner.send(start)).status).toBe(202);
    expect(reused()).toMatchObject({ asset: { assetId: things.assetId } });
    expect((await other.send(start)).status).toBe(202);
    expect(reused()).toBeUndefined();
  });

  it('may use the same Idempotency-Key, each for its own job', async () => {
    const other = await keyHolder(api, 'same-key', everything);
    await other.send({ method: 'PUT', url: '/v1/characters/ava' });
    const payload = { characterId: 'ava', prompt: secret, seed: 7, modelId: 'modal-flux-dev', strict: true };
    const headers = { 'idempotency-key': 'order-1' };
    const start = { method: 'POST', url: '/v1/studio', payload, headers };

    expect(await owner.send(start)).toMatchObject({ status: 200, body: { id: things.generationId } });
    const { status, body } = await other.send(start);
    expect(status).toBe(202);
    expect(body['id']).not.toBe(things.generationId);
  });
});

it('gives a picture to whoever is shown it before the database knows of it', async () => {
  const { body } = await owner.send({
    method: 'POST',
    url: '/v1/studio',
    payload: { characterId: 'ava', prompt: 'at the beach' },
  });
  const generationId = String(body['id']);
  const bytes = await picture('png', { seed: 77 });
  const stored = await api.assetStore.put(Readable.from([bytes]), { maxBytes: 1e6 });
  api.temporal.state = generationState({
    ...{ generationId, revision: 3 },
    slots: [slotState({ status: 'completed', asset: stored })],
  });

  expect((await owner.send({ url: `/v1/assets/${stored.assetId}` })).status).toBe(404);
  await owner.send({ url: `/v1/generations/${generationId}` });
  expect((await owner.send({ url: `/v1/assets/${stored.assetId}` })).status).toBe(200);
  expect((await stranger.send({ url: `/v1/assets/${stored.assetId}` })).status).toBe(404);
});
