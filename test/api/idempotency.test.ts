import { reconcile } from '../../src/api/generations/reconcile';
import { waitUntil } from '../support/wait-until';
import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import { createGenerationStore } from '../../src/db';
import { generationState, slotState } from '../db/states';
import { openTestApi, type Answer, type TestApi } from './test-api';

type Replica = Pick<TestApi, 'temporal' | 'send' | 'close'>;
let api: TestApi;
let replica: Replica;

beforeAll(async () => {
  api = await openTestApi();
  replica = await api.openReplica();
  await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {} });
  const headers = { 'x-caller-id': 'other' };
  await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {}, headers });
  const lora = { baseModel: 'flux', triggerWord: 'avaperson' };
  await api.send({ method: 'PUT', url: '/v1/characters/ava/loras/ava1', payload: lora });
}, 90_000);

afterAll(async () => {
  await replica.close();
  await api.close();
});

beforeEach(async () => {
  await api.database.db.deleteFrom('generations').execute();
  for (const { temporal } of [api, replica]) {
    temporal.failure = undefined;
    temporal.state = undefined;
    temporal.run = { status: 'running', calls: [] };
    temporal.started.length = 0;
  }
});

const studio = { characterId: 'ava', prompt: 'at the beach' };
interface Start {
  key?: string;
  url?: string;
  payload?: object;
  headers?: Record<string, string>;
}
const post = (
  { send }: Pick<TestApi, 'send'>,
  { key = 'order-1', payload = studio, url = '/v1/studio', headers = {} }: Start = {},
) => send({ method: 'POST', url, payload, headers: { 'idempotency-key': key, ...headers } });
const started = () => [...api.temporal.started, ...replica.temporal.started];
const ids = (answers: readonly Answer[]) => new Set(answers.map(({ body }) => body['id']));
/** As if the process had died before it noted that the workflow runs. */
async function forgetStart(): Promise<void> {
  const { db } = api.database;
  const isNoted = async () =>
    (await db.selectFrom('generations').select('status').execute())[0]?.status === 'running';
  await waitUntil(isNoted);
  await db.updateTable('generations').set({ status: 'accepted', run_id: null }).execute();
}
const rows = () => api.database.db.selectFrom('generations').select('id').execute();

describe('a start with an Idempotency-Key', () => {
  it.each([
    ['/v1/studio', studio],
    ['/v1/base-images', studio],
    ['/v1/profile-pictures', { ...studio, mode: 'fast' }],
  ])('%s is 202 once, and 200 with the same job from then on, at every replica', async (url, payload) => {
    const first = await post(api, { url, payload });
    const second = await post(api, { url, payload });
    const third = await post(replica, { url, payload });

    expect([first.status, second.status, third.status]).toEqual([202, 200, 200]);
    // By then it may be known to run.
    const same = { id: first.body['id'], links: first.body['links'] };
    expect([second.body, third.body]).toMatchObject([same, same]);
    expect(third.headers.get('location')).toBe(first.headers.get('location'));
    expect(await rows()).toHaveLength(1);
    // The same workflow id: Temporal runs it once.
    expect(new Set(started().map(({ generationId }) => generationId)).size).toBe(1);
  });

  it('is one job when two replicas take twelve of them at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => post(index % 2 === 0 ? api : replica)),
    );

    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(11).fill(200), 202]);
    expect(ids(answers).size).toBe(1);
    expect(await rows()).toHaveLength(1);
  });

  it('is the same request in whatever order its fields stand', async () => {
    await post(api);

    expect((await post(api, { payload: { prompt: 'at the beach', characterId: 'ava' } })).status).toBe(200);
  });

  it.each<[string, Start]>([
    ['another body', { payload: { ...studio, prompt: 'in the snow' } }],
    ['another route', { url: '/v1/base-images' }],
  ])('is 409 with %s, naming the header, and starts nothing', async (_name, other) => {
    await post(api);
    const { status, body } = await post(replica, other);

    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'idempotency_key_reused', errors: [{ field: 'idempotency-key' }] });
    expect(await rows()).toHaveLength(1);
  });

  it('is another job with another key, for another caller, or without a key', async () => {
    const answers = [
      await post(api),
      await post(api, { key: 'order-2' }),
      await post(api, { headers: { 'x-caller-id': 'other' } }),
      await api.send({ method: 'POST', url: '/v1/studio', payload: studio }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(ids(answers).size).toBe(4);
  });

  it('tells how the job stands when the request is repeated late', async () => {
    const { body } = await post(api);
    const generationId = String(body['id']);
    const store = createGenerationStore(api.database.db);
    await store.saveState(generationState({ generationId, status: 'completed', slots: [slotState()] }));
    api.temporal.started.length = 0;
    api.temporal.failure = new TemporalUnavailable('down');

    expect(await post(api)).toMatchObject({ status: 200, body: { id: generationId, status: 'completed' } });
    expect(started()).toEqual([]);
  });

  it('finds its job also when the request could not be served any more', async () => {
    const withLora = { payload: { ...studio, useLora: true } };
    const first = await post(api, withLora);
    await api.send({ method: 'DELETE', url: '/v1/characters/ava/loras/ava1' });

    expect(await post(api, withLora)).toMatchObject({ status: 200, body: { id: first.body['id'] } });
  });

  it.each([
    ['an empty one', ''],
    ['one of 256 characters', 'x'.repeat(256)],
    ['one that is not ASCII', 'schl\u00fcssel'],
  ])('is refused by name with %s', async (_name, key) => {
    const { status, body } = await post(api, { key });

    expect(status).toBe(400);
    expect(body).toMatchObject({ errors: [{ field: 'idempotency-key' }] });
  });

  it('takes a key of 255 characters', async () => {
    expect((await post(api, { key: 'x'.repeat(255) })).status).toBe(202);
  });
});

describe('a key whose start went wrong', () => {
  it('can be used again, for any request, when nothing has started', async () => {
    api.temporal.failure = new TemporalUnavailable('down');
    expect((await post(api)).status).toBe(503);
    expect(await rows()).toEqual([]);
    api.temporal.failure = undefined;

    expect((await post(api, { payload: { ...studio, prompt: 'in the snow' } })).status).toBe(202);
  });

  it('starts the same job again when it may have started, never a second one', async () => {
    api.temporal.failure = new TemporalUnavailable('no answer', { mayHaveStarted: true });
    const lost = await post(api);
    api.temporal.failure = undefined;
    replica.temporal.run = undefined;
    const repeated = await post(replica);

    expect([lost.status, repeated.status]).toEqual([503, 200]);
    expect(repeated.body['id']).toBe(lost.body['id']);
    expect(replica.temporal.started).toMatchObject([{ generationId: lost.body['id'] }]);
    expect(await rows()).toHaveLength(1);
  });

  it('starts the job of a process that died between its row and its workflow', async () => {
    const { body } = await post(api);
    const [lost] = api.temporal.started.splice(0);
    await forgetStart();
    replica.temporal.run = undefined;
    const repeated = await post(replica);

    expect(repeated).toMatchObject({ status: 200, body: { id: body['id'] } });
    expect(JSON.parse(JSON.stringify(replica.temporal.started))).toEqual([
      JSON.parse(JSON.stringify(lost)) as object,
    ]);
  });

  it('is not planned again while its job runs: a route may be gone by now', async () => {
    const { body } = await post(api);
    await forgetStart();
    const repeated = await post(replica);

    expect(repeated).toMatchObject({ status: 200, body: { id: body['id'] } });
    expect(replica.temporal.started).toEqual([]);
  });

  it('starts under its old id after the job was reported as never started', async () => {
    const { body } = await post(api);
    const url = `/v1/generations/${String(body['id'])}`;
    await forgetStart();
    await api.database.db
      .updateTable('generations')
      .set({ start_asked_at: new Date(Date.now() - 3_600_000).toISOString() })
      .execute();
    api.temporal.run = undefined;
    expect((await api.send({ url })).body).toMatchObject({ error: { code: 'not_started' } });
    await reconcile({ generations: createGenerationStore(api.database.db), temporal: api.temporal });

    expect(await post(api)).toMatchObject({ status: 202, body: { id: body['id'], status: 'accepted' } });
    api.temporal.run = { status: 'running', calls: [] };
    expect((await api.send({ url })).body).toMatchObject({ error: null, slots: [{ status: 'pending' }] });
  });

  it('is 503 with the id while Temporal is down and nobody knows whether the job runs', async () => {
    const { body } = await post(api);
    await forgetStart();
    replica.temporal.failure = new TemporalUnavailable('down');
    const repeated = await post(replica);

    expect(repeated).toMatchObject({ status: 503, body: { code: 'temporal_unavailable', id: body['id'] } });
    expect(await rows()).toHaveLength(1);
  });

  it('is free after a refusal', async () => {
    const refused = await post(api, { payload: { ...studio, mode: 'editing' } });
    expect(refused.status).toBe(422);

    expect((await post(api)).status).toBe(202);
  });
});
