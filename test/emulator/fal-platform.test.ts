import type { FaultName, FaultParameters } from '../../emulator/faults/fault-catalogue';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { waitUntil } from '../support/wait-until';
import { exchange, json, type Exchange } from './support/exchange';
import { FalCaller, key } from './support/fal-client';

const dev = 'fal-ai/flux/dev';
const seedream = 'fal-ai/bytedance/seedream/v4.5/text-to-image';
const input = { prompt: 'a red door', image_size: 'square', seed: 3 };

interface Item {
  request_id: string;
  endpoint_id: string;
  sent_at: string;
  started_at: string | null;
  ended_at: string;
  status_code: number;
  duration: number;
  json_input?: unknown;
  json_output?: unknown;
}
interface Page {
  items: Item[];
  next_cursor: string | null;
  has_more: boolean;
}

let emulator: RunningEmulator;
let fal: FalCaller;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  fal = new FalCaller(emulator.urls.fal);
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  emulator.settings.change({ fal: { listingDelaySeconds: 0 } });
});

const add = (fault: FaultName, params: FaultParameters = {}): void =>
  void emulator.faults.add({ provider: 'fal', fault, params, times: 1 });
const platform = (path: string, headers: Record<string, string> = key): Promise<Exchange> =>
  exchange('GET', `${emulator.urls.fal}/platform/v1/models/${path}`, undefined, headers);
const list = async (query: string): Promise<Page> =>
  JSON.parse((await platform(`requests/by-endpoint?${query}`)).text) as Page;

describe('the list of requests', () => {
  it('has what ended, newest first, with the moments of each and no payloads', async () => {
    const before = Date.now();
    const first = await fal.submit(dev, input);
    await fal.completed(first);
    const second = await fal.submit(dev, { ...input, seed: 4 });
    await fal.completed(second);

    const { items, has_more: more, next_cursor: next } = await list(`endpoint_id=${dev}`);
    expect(items.map(({ request_id: id }) => id)).toEqual([second.request_id, first.request_id]);
    expect([more, next]).toEqual([false, null]);
    const [, { sent_at: sent, started_at: started, ended_at: ended, ...rest } = missing] = items;
    const moments = [before, ...[sent, started ?? '', ended].map(Date.parse), Date.now()];
    expect([...moments].sort((left, right) => left - right)).toEqual(moments);
    expect(rest).toEqual({
      request_id: first.request_id,
      endpoint_id: dev,
      status_code: 200,
      duration: (Date.parse(ended) - Date.parse(sent)) / 1000,
    });
  });

  it('has input as sent and output on demand, of a refused one too, unless the submit forbade to keep them', async () => {
    const done = await fal.result(dev, { ...input, unknown_field: 1 });
    await fal.result(dev, { prompt: 7 });
    await fal.result(dev, input, { 'x-fal-store-io': '0' });

    const { items } = await list(`endpoint_id=${dev}&expand=payloads`);
    const [unkept, refused, kept] = items;
    expect(kept).toMatchObject({
      json_input: { ...input, unknown_field: 1 },
      json_output: json(done),
      status_code: 200,
    });
    expect(refused).toMatchObject({
      json_input: { prompt: 7 },
      json_output: { detail: [{ type: 'string_type' }] },
      status_code: 422,
    });
    expect(Object.keys(unkept ?? {})).not.toEqual(expect.arrayContaining([expect.stringMatching(/^json_/)]));
  });

  it('shows a submit whose answer was lost, and each of two with the same input', async () => {
    add('submit_lost');
    await expect(fal.submit(dev, input)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await fal.result(dev, input);
    await waitUntil(async () => (await list(`endpoint_id=${dev}`)).items.length === 2);

    const { items } = await list(`endpoint_id=${dev}&expand=payloads`);
    expect(items.map(({ json_input: sent }) => sent)).toEqual([input, input]);
    const ids = items.map(({ request_id: id }) => id);
    expect(ids.sort()).toEqual(
      emulator.journal
        .read()
        .entries.map(({ requestId }) => requestId)
        .sort(),
    );
  });

  it('has nothing of what still waits or runs', async () => {
    add('queue_stuck');
    await fal.submit(dev, input);
    emulator.settings.change({ timeScale: 10 });
    await fal.submit(dev, input);
    expect((await list(`endpoint_id=${dev}`)).items).toEqual([]);
  });

  it('lists a request some time after its end, and one that listing_delayed struck later still', async () => {
    emulator.settings.change({ fal: { listingDelaySeconds: 200 } });
    await fal.result(dev, input);
    expect((await list(`endpoint_id=${dev}`)).items).toEqual([]);
    await waitUntil(async () => (await list(`endpoint_id=${dev}`)).items.length === 1);

    emulator.settings.change({ fal: { listingDelaySeconds: 0 } });
    add('listing_delayed', { seconds: 200 });
    await fal.result(seedream, { prompt: 'x' });
    expect((await list(`endpoint_id=${seedream}`)).items).toEqual([]);
    await waitUntil(async () => (await list(`endpoint_id=${seedream}`)).items.length === 1);
  });

  it('goes page by page, each cursor naming the next', async () => {
    for (const seed of [1, 2, 3]) await fal.result(dev, { ...input, seed });
    const first = await list(`endpoint_id=${dev}&limit=2&expand=payloads`);
    const second = await list(`endpoint_id=${dev}&limit=2&cursor=${first.next_cursor}&expand=payloads`);
    expect([first.has_more, second.has_more, second.next_cursor]).toEqual([true, false, null]);
    const seeds = [...first.items, ...second.items].map((item) => (item.json_input as typeof input).seed);
    expect(seeds).toEqual([3, 2, 1]);
  });

  it('takes several endpoints, a time range with an open end, a verdict and an id', async () => {
    const one = await fal.submit(dev, input);
    await fal.completed(one);
    await fal.result(dev, {});
    await fal.result(seedream, { prompt: 'x' });
    const both = await list(`endpoint_id=${dev}&endpoint_id=${seedream}`);
    expect(both.items).toHaveLength(3);
    expect((await list(`endpoint_id=${dev},${seedream}`)).items).toEqual(both.items);
    expect((await list(`endpoint_id=${seedream}`)).items).toHaveLength(1);

    const endOf = (index: number): string => both.items[index]?.ended_at ?? '';
    const range = await list(`endpoint_id=${dev}&start=${endOf(2)}&end=${endOf(1)}`);
    expect(range.items.map(({ request_id: id }) => id)).toEqual([one.request_id]);
    const verdict = async (status: string): Promise<number[]> =>
      (await list(`endpoint_id=${dev}&status=${status}`)).items.map((item) => item.status_code);
    expect(await Promise.all(['success', 'user_error', 'error'].map(verdict))).toEqual([[200], [422], []]);
    const byId = await list(`endpoint_id=${dev}&request_id=${one.request_id}`);
    expect(byId.items.map(({ request_id: id }) => id)).toEqual([one.request_id]);
  });

  it.each([
    'limit=5',
    `endpoint_id=${dev}&limit=101`,
    `endpoint_id=${dev}&limit=0`,
    `endpoint_id=${dev}&start=yesterday`,
    `endpoint_id=${dev}&status=maybe`,
    `endpoint_id=${dev}&cursor=***`,
    `endpoint_id=${dev}&expand=everything`,
    `endpoint_id=${Array(51).fill(dev).join()}`,
  ])('refuses %s', async (query) => {
    const reply = await platform(`requests/by-endpoint?${query}`);
    expect([reply.status, json(reply)]).toMatchObject([400, { error: { type: 'validation_error' } }]);
  });

  it('needs a key, and one with the right to list', async () => {
    const path = `requests/by-endpoint?endpoint_id=${dev}`;
    expect(json(await platform(path, {}))).toMatchObject({ error: { type: 'authorization_error' } });
    emulator.settings.change({ fal: { key: 'right', mayListRequests: false } });
    const statuses = ['Key wrong', 'Key right'].map(
      async (authorization) => (await platform(path, { authorization })).status,
    );
    expect(await Promise.all(statuses)).toEqual([401, 403]);
    emulator.settings.change({ fal: { mayListRequests: true } });
    expect((await platform(path, { authorization: 'Key right' })).status).toBe(200);
  });

  it.each([
    ['rate_limited', 429],
    ['html_502', 502],
    ['html_200', 200],
  ] as const)('a fault can strike the list: %s', async (fault, status) => {
    add(fault, { on: 'list' });
    const reply = await platform(`requests/by-endpoint?endpoint_id=${dev}`);
    expect([reply.status, reply.text.includes('"items"')]).toEqual([status, false]);
    expect((await list(`endpoint_id=${dev}`)).items).toEqual([]);
  });
});

describe('the bill', () => {
  const flux = { prompt: 'x', image_size: 'landscape_4_3', num_images: 2 };
  const priceOf = async (id: string): Promise<number> => {
    const { prices } = json(await platform(`pricing?endpoint_id=${id}`)) as {
      prices: { unit_price: number }[];
    };
    return prices[0]?.unit_price ?? Number.NaN;
  };

  it.each([
    [dev, flux, 2 * 1.024 * 0.768, 0.025, 'megapixels'],
    [seedream, { prompt: 'x', num_images: 3 }, 3, 0.04, 'images'],
  ])('of %s %j is %f units at %f', async (id, body, units, price, unit) => {
    const queued = await fal.result(id, body);
    const direct = await fal.run(id, body);
    const told = [queued, direct].map(({ headers }) => Number(headers['x-fal-billable-units']));
    expect(told).toEqual([units, units]);
    expect(json(await platform(`pricing?endpoint_id=${id}`))).toEqual({
      prices: [{ endpoint_id: id, unit_price: price, unit, currency: 'USD' }],
      next_cursor: null,
      has_more: false,
    });
    const usd = Number((units * price).toFixed(6));
    expect(emulator.journal.read().entries).toMatchObject([
      { billableUnits: units, chargedUsd: usd },
      { billableUnits: units, chargedUsd: usd },
    ]);
  });

  it('is told of no result that failed', async () => {
    add('completed_then_error');
    const { headers } = await fal.result(dev, flux);
    expect(headers).not.toHaveProperty('x-fal-billable-units');
  });

  it('is told of a request that was cancelled while it ran, and of none in the queue', async () => {
    emulator.settings.change({ timeScale: 10 });
    const cancelled = async (): Promise<Exchange> => {
      const ticket = await fal.submit(dev, flux);
      const running = emulator.settings.current.fal.queueSeconds === 0;
      const isRunning = async (): Promise<boolean> =>
        json(await fal.get(ticket.status_url))['status'] === 'IN_PROGRESS';
      if (running) await waitUntil(isRunning);
      await exchange('PUT', ticket.cancel_url, undefined, key);
      return await fal.get(ticket.response_url);
    };
    expect((await cancelled()).headers).not.toHaveProperty('x-fal-billable-units');
    emulator.settings.change({ fal: { queueSeconds: 0 } });
    expect((await cancelled()).headers).toMatchObject({ 'x-fal-billable-units': '1.572864' });
  });

  it('is not what a lying price list says', async () => {
    emulator.settings.change({ fal: { lyingPrices: 2 } });
    await fal.result(dev, flux);
    expect(await priceOf(dev)).toBe(0.05);
    expect(emulator.journal.read().totals.chargedUsd).toBe(0.039322);
  });

  it('a price list knows no unknown endpoint and needs one to look for', async () => {
    const statuses = ['pricing?endpoint_id=fal-ai/nothing', 'pricing'].map(
      async (path) => (await platform(path)).status,
    );
    expect(await Promise.all(statuses)).toEqual([404, 400]);
  });
});

describe('headers of a submit', () => {
  const late = { 'x-fal-request-start-timeout': '0.2' };

  it.each([{ queueSeconds: 5 }, { queueSeconds: 0.5, stuck: true }])(
    'a start timeout ends what was not started in time, unbilled: %j',
    async ({ queueSeconds, stuck = false }) => {
      emulator.settings.change({ fal: { queueSeconds } });
      if (stuck) add('queue_stuck');
      const reply = await fal.result(dev, input, late);
      expect([reply.status, json(reply)]).toMatchObject([504, { error_type: 'request_timeout' }]);
      expect(reply.headers).toMatchObject({ 'x-fal-request-timeout-type': 'user' });
      expect(emulator.journal.read().entries).toMatchObject([{ outcome: 'failed', chargedUsd: 0 }]);
      expect((await list(`endpoint_id=${dev}`)).items).toMatchObject([
        { started_at: null, status_code: 504 },
      ]);
    },
  );

  it('a start timeout does not touch what has started', async () => {
    const reply = await fal.result(dev, input, { 'x-fal-request-timeout': '1' });
    expect(reply.status).toBe(200);
  });

  it.each(['0', '0.1', 'soon'])('a start timeout of %s is refused', async (value) => {
    const headers = { ...key, 'x-fal-request-start-timeout': value };
    const reply = await exchange('POST', `${emulator.urls.fal}/queue/${dev}`, input, headers);
    expect(reply.status).toBe(400);
    expect(emulator.journal.read()).toMatchObject({ entries: [], rejections: [{ status: 400 }] });
  });

  it('x-fal-no-retry is noted', async () => {
    await fal.submit(dev, input, { 'x-fal-no-retry': '1' });
    await fal.submit(dev, input);
    const { entries } = emulator.journal.read();
    expect(entries.map(({ noRetry }) => noRetry)).toEqual([true, undefined]);
  });
});

const missing: Item = {
  request_id: '',
  endpoint_id: '',
  sent_at: '',
  started_at: null,
  ended_at: '',
  status_code: 0,
  duration: 0,
};
