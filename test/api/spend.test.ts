import { createGenerationStore } from '../../src/db';
import { generationState } from '../db/states';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
let unlimited: TestApi;

beforeAll(async () => {
  api = await openTestApi({ DAILY_LIMIT_USD: '0.2', DAILY_LIMITS_USD: '{"rich": 5, "blocked": 0}' });
  unlimited = await openTestApi();
  for (const caller of ['default', 'rich', 'blocked', 'somebody']) {
    const headers = { 'x-caller-id': caller };
    for (const one of [api, unlimited]) {
      await one.send({ method: 'PUT', url: '/v1/characters/ava', payload: {}, headers });
    }
  }
}, 90_000);

afterAll(() => Promise.all([api.close(), unlimited.close()]));

beforeEach(async () => {
  await api.database.db.deleteFrom('generations').execute();
  api.temporal.started.length = 0;
});

const studio = { characterId: 'ava', prompt: 'at the beach', modelId: 'fal-flux-dev', strict: true };
const post = (payload: object, headers: Record<string, string> = {}, to = api, url = '/v1/studio') =>
  to.send({ method: 'POST', url, payload, headers });
const spend = async (headers: Record<string, string> = {}, of = api) =>
  (await of.send({ url: '/v1/spend', headers })).body;
/** What one such picture costs. */
async function price(): Promise<number> {
  const { body } = await post({ ...studio, flow: 'studio' }, {}, api, '/v1/route-plans');
  return (body['estimate'] as { worstUsd: number }).worstUsd;
}

it('takes the caller from its header only, and says so', async () => {
  expect(await api.send({ url: '/v1/spend?caller=rich' })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'caller', code: 'unknown_field' }] },
  });
});

describe('the daily limit of a caller', () => {
  it('lets jobs through until the next one would not fit, and says what it takes', async () => {
    const usd = await price();
    const fitting = Math.floor(0.2 / usd);
    const answers = [];
    for (let index = 0; index <= fitting; index += 1) answers.push(await post(studio));

    const refused = answers.pop();
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(refused?.status).toBe(402);
    expect(refused?.body).toMatchObject({
      code: 'daily_limit_exceeded',
      limitUsd: 0.2,
      neededUsd: usd,
      resetsAt: expect.stringMatching(/T00:00:00\.000Z$/) as unknown,
      errors: [{ field: 'x-caller-id' }],
    });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(api.temporal.started).toHaveLength(fitting);
  });

  it('counts each caller alone, and takes the limit of its own where it has one', async () => {
    const many = { ...studio, count: 10 };

    expect((await post(many)).status).toBe(402);
    expect((await post(many, { 'x-caller-id': 'rich' })).status).toBe(202);
    expect((await post(studio, { 'x-caller-id': 'blocked' })).status).toBe(402);
    expect((await post(studio, { 'x-caller-id': 'somebody' })).status).toBe(202);
  });

  it('holds when two replicas take ten jobs at once', async () => {
    const replica = await api.openReplica();
    const usd = await price();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? api : replica).send({ method: 'POST', url: '/v1/studio', payload: studio }),
      ),
    );
    await replica.close();

    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted).toHaveLength(Math.min(10, Math.floor(0.2 / usd)));
    expect((await spend())['usedUsd']).toBeLessThanOrEqual(0.2);
  });

  it('names no time to come back to a job that never fits', async () => {
    const { status, headers } = await post({ ...studio, count: 10 });

    expect(status).toBe(402);
    expect(headers.get('retry-after')).toBeNull();
  });

  it('does not exist where none is set', async () => {
    expect((await post({ ...studio, count: 10 }, {}, unlimited)).status).toBe(202);
    expect(await spend({}, unlimited)).toMatchObject({ limitUsd: null, remainingUsd: null });
  });

  it('is handed to the workflow as money set aside for this caller', async () => {
    await post(studio, { 'x-caller-id': 'rich' });

    expect(api.temporal.started).toMatchObject([{ caller: 'rich', reservedUsd: await price() }]);
  });
});

describe('the spend of a caller', () => {
  it('shows what is set aside, and then what it cost', async () => {
    const usd = await price();
    const { body } = await post(studio);

    expect(await spend()).toMatchObject({
      caller: 'default',
      limitUsd: 0.2,
      usedUsd: usd,
      reservedUsd: usd,
      costUsd: 0,
    });
    const finished = generationState({
      generationId: String(body['id']),
      status: 'completed',
      costUsd: 0.01,
      atRiskUsd: 0.002,
    });
    await createGenerationStore(api.database.db).saveState(finished);
    expect(await spend()).toMatchObject({
      usedUsd: 0.012,
      reservedUsd: 0,
      costUsd: 0.01,
      atRiskUsd: 0.002,
      remainingUsd: 0.188,
    });
  });

  it.each(['', 'has space', '-dash', 'x'.repeat(65)])('is refused for the caller "%s"', async (caller) => {
    const { status, body } = await api.send({ url: '/v1/spend', headers: { 'x-caller-id': caller } });

    expect(status).toBe(400);
    expect(body).toMatchObject({ errors: [{ field: 'x-caller-id' }] });
  });
});

describe('the limit of a job', () => {
  it('is refused below the dearest candidates, naming the figure that is enough', async () => {
    const payload = { characterId: 'ava', prompt: 'a woman', maxCostUsd: 0.05 };
    const { status, body } = await post(payload, {}, unlimited, '/v1/base-images');

    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [{ field: 'maxCostUsd', code: 'budget_too_small' }] });
    const [, enough] = /raise it to ([\d.]+\d)/.exec(String(body['detail'])) ?? [];
    const raised = { ...payload, maxCostUsd: Number(enough) };
    expect((await post(raised, {}, unlimited, '/v1/base-images')).status).toBe(202);
  });
});

describe('the estimate of a plan', () => {
  it('adds up per slot: first candidates, and the dearest that may be used', async () => {
    const payload = { flow: 'base-images', characterId: 'ava', prompt: 'a woman' };
    const { body } = await post(payload, {}, api, '/v1/route-plans');

    type Money = { expectedUsd: number; worstUsd: number };
    const slots = body['slots'] as {
      candidates: { eligible: boolean; priceUsd: number }[];
      estimate: Money;
    }[];
    for (const { candidates, estimate } of slots) {
      const prices = candidates.filter(({ eligible }) => eligible).map(({ priceUsd }) => priceUsd);
      expect(estimate).toEqual({ expectedUsd: prices[0], worstUsd: Math.max(...prices) });
    }
    const total = (name: keyof Money) => slots.reduce((sum, { estimate }) => sum + estimate[name], 0);
    expect(body['estimate']).toMatchObject({
      expectedUsd: expect.closeTo(total('expectedUsd'), 6) as unknown,
      worstUsd: expect.closeTo(total('worstUsd'), 6) as unknown,
      maxPaidAttemptsPerSlot: 6,
    });
    expect(api.temporal.started).toEqual([]);
  });
});
