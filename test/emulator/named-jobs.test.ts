import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import type { JournalEntry } from '../../emulator/journal';
import { exchange, json, type Exchange } from './support/exchange';

let emulator: RunningEmulator;
let base: string;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  base = `${emulator.urls.modal}/ryla-flux`;
});
afterAll(() => emulator.close());
beforeEach(() => emulator.reset());

const picture = { prompt: 'a red door', width: 64, height: 64, seed: 5 };
const order = { path: '/flux-dev', body: picture };
const put = (key: string, what: unknown = order): Promise<Exchange> =>
  exchange('PUT', `${base}/jobs/${key}`, what);
const look = async (key: string, wait = 0): Promise<Record<string, unknown>> =>
  json(await exchange('GET', `${base}/jobs/${key}?wait=${wait}`));
const stop = async (key: string): Promise<Record<string, unknown>> =>
  json(await exchange('DELETE', `${base}/jobs/${key}`));
const entries = (): JournalEntry[] => emulator.journal.read().entries;
const typicalUsd = 0.020054;

async function ended(key: string): Promise<Record<string, unknown>> {
  for (;;) {
    const state = await look(key, 60);
    if (state['endedAt'] !== null) return state;
  }
}

async function begun(key: string): Promise<void> {
  while ((await look(key))['state'] === 'queued');
}

describe('a named job in the ledger', () => {
  it('is one entry with its key, charged as a plain call is', async () => {
    await put('set-1');
    await put('set-1');
    const state = await ended('set-1');
    await exchange('POST', `${base}/flux-dev`, picture);

    expect(state).toMatchObject({ seconds: 37, costUsd: typicalUsd });
    expect(entries()).toMatchObject([
      {
        jobKey: 'set-1',
        callId: state['callId'],
        endpoint: '/flux-dev',
        app: 'ryla-flux',
        seed: 5,
        width: 64,
      },
      { chargedUsd: typicalUsd, responseDelivered: true },
    ]);
    expect(entries()[0]).toMatchObject({
      outcome: 'succeeded',
      chargedUsd: typicalUsd,
      responseDelivered: false,
    });
    expect(entries()[1]?.jobKey).toBeUndefined();
    expect(entries()[0]?.bodyHash).toBe(entries()[1]?.bodyHash);
  });

  it('says when its result was delivered: with the last byte', async () => {
    await put('set-1');
    await ended('set-1');
    const result = `${base}/jobs/set-1/result`;
    await exchange('GET', result, undefined, { range: 'bytes=0-9' });
    expect(entries()[0]?.responseDelivered).toBe(false);
    await exchange('GET', result, undefined, { range: 'bytes=10-' });
    expect(entries()[0]?.responseDelivered).toBe(true);
  });

  it('is charged for the moment it ran when its route refuses it', async () => {
    await put('set-1', { path: '/flux-dev-lora', body: { ...picture, lora_id: 'nobody' } });
    await put('set-2', { path: '/flux-instant', body: picture });
    await put('set-3', { path: '/flux-dev', body: [picture] });
    const [seconds, costUsd] = [0.01, 0.000005];
    expect(await ended('set-1')).toMatchObject({ state: 'failed', seconds, costUsd });
    expect(await ended('set-2')).toMatchObject({ error: { status: 404, body: '{"detail":"Not Found"}' } });
    expect(await ended('set-3')).toMatchObject({ error: { status: 500 } });
    expect(await stop('set-1')).toMatchObject({ stopped: false, billing: { billed: true, costUsd } });
    const charged = { outcome: 'failed', chargedUsd: costUsd };
    expect(emulator.journal.read()).toMatchObject({
      entries: [
        { jobKey: 'set-1', endpoint: '/flux-dev-lora', ...charged },
        { jobKey: 'set-2', endpoint: '/flux-instant', ...charged },
        { jobKey: 'set-3', ...charged },
      ],
      rejections: [],
    });
  });

  it('notes a PUT that was refused', async () => {
    await put('set-1');
    await put('set-1', { ...order, path: '/flux' });
    await exchange('POST', `${base}/jobs/set-2/void`);
    await put('set-2');
    await put('set-3', {});
    expect(emulator.journal.read()).toMatchObject({
      entries: [{ jobKey: 'set-1' }],
      rejections: [
        { jobKey: 'set-1', status: 409 },
        { jobKey: 'set-2', status: 410 },
        { jobKey: 'set-3', status: 400 },
      ],
    });
  });

  it('belongs to its app: another app has the same key for itself', async () => {
    await put('set-1');
    const elsewhere = `${emulator.urls.modal}/ryla-z-image/jobs/set-1`;
    expect((await exchange('GET', elsewhere)).status).toBe(404);
    expect((await exchange('PUT', elsewhere, { path: '/z-image-danrisi', body: picture })).status).toBe(202);
    expect(entries()).toHaveLength(2);
  });
});

describe('a stop', () => {
  it('in the queue is free for a job that its route would refuse, too', async () => {
    emulator.settings.change({ modal: { coldStartSeconds: 100_000 } });
    await put('set-1', { path: '/flux-instant', body: picture });
    const billing = { billed: false, seconds: 0, costUsd: 0 };
    expect(await stop('set-1')).toMatchObject({ state: 'cancelled', stopped: true, billing });
    expect(entries()).toMatchObject([{ outcome: 'cancelled', chargedUsd: 0 }]);
  });

  it('in the queue is free', async () => {
    emulator.settings.change({ modal: { coldStartSeconds: 100_000 } });
    await put('set-1');
    expect(await look('set-1')).toMatchObject({ state: 'queued', runs: 0, startedAt: null });
    expect(await stop('set-1')).toMatchObject({
      state: 'cancelled',
      stopped: true,
      billing: { billed: false, seconds: 0, costUsd: 0 },
    });
    expect(entries()).toMatchObject([{ outcome: 'cancelled', chargedUsd: 0 }]);
  });

  it('at work costs the seconds up to then', async () => {
    emulator.settings.change({ fixedLatencySeconds: 100_000 });
    await put('set-1');
    await begun('set-1');
    const { billing, seconds, costUsd } = await stop('set-1');
    expect(billing).toEqual({ billed: true, seconds, costUsd });
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(37);
    expect(costUsd).toBeCloseTo(Number(seconds) * 0.000542, 6);
    expect(entries()).toMatchObject([{ outcome: 'cancelled', chargedUsd: costUsd }]);
  });
});

describe('a wait', () => {
  it('ends with the job', async () => {
    emulator.settings.change({ timeScale: 0.1, fixedLatencySeconds: 1 });
    await put('set-1');
    const start = Date.now();
    expect(await look('set-1', 60)).toMatchObject({ state: 'succeeded' });
    // The whole wait would be 6 s.
    expect(Date.now() - start).toBeLessThan(5000);
  });
});

describe('an outage of the gateway', () => {
  it('leaves named jobs at work and their results where they are, while plain calls are lost', async () => {
    emulator.settings.change({ fixedLatencySeconds: 300 });
    await put('set-1');
    const plain = expect(exchange('POST', `${base}/flux-dev`, picture)).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    while (entries().length < 2) await look('set-1');
    await emulator.setProviderState('modal', 'down');
    await plain;
    await expect(look('set-1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    while (entries()[0]?.outcome === 'running') await new Promise((resolve) => setImmediate(resolve));
    await emulator.setProviderState('modal', 'up');

    expect(await look('set-1')).toMatchObject({ state: 'succeeded', runs: 1 });
    expect((await exchange('GET', `${base}/jobs/set-1/result`)).status).toBe(200);
    expect(entries()).toMatchObject([
      { outcome: 'succeeded', chargedUsd: typicalUsd },
      { outcome: 'lost', chargedUsd: typicalUsd },
    ]);
  });
});

describe('an app', () => {
  it('that is plain knows nothing of named jobs, and health asks a container', async () => {
    emulator.settings.change({ modal: { jobs: 'plain' } });
    const replies = [await put('set-1'), await exchange('GET', `${base}/jobs/set-1`)];
    expect(replies.map(({ status, text }) => [status, text])).toEqual([
      [404, '{"detail":"Not Found"}'],
      [404, '{"detail":"Not Found"}'],
    ]);
    const health = await exchange('GET', `${base}/health`);
    expect(json(health)).toEqual({ status: 'healthy', app: 'ryla-flux' });
  });

  it('that is plain from the start is so after a reset as well', async () => {
    const plain = await startEmulator({ modalJobs: 'plain' });
    plain.settings.change({ modal: { jobs: 'named' } });
    await plain.reset();
    expect(plain.settings.current.modal.jobs).toBe('plain');
    await plain.close();
  });

  it('with named jobs answers health at once, and boots no container for it', async () => {
    emulator.settings.change({ fixedLatencySeconds: 1, modal: { coldStartSeconds: 100_000 } });
    expect(json(await exchange('GET', `${base}/health`))).toMatchObject({ namedJobs: 1 });
    await put('set-1');
    expect(await look('set-1', 60)).toMatchObject({ state: 'queued' });
  });

  it('asks for its proxy credentials on every route', async () => {
    emulator.settings.change({ proxyAuth: { key: 'wk-1', secret: 'ws-1' } });
    const routes: [method: string, path: string][] = [
      ['PUT', ''],
      ['GET', ''],
      ['GET', '/result'],
      ['DELETE', ''],
      ['POST', '/void'],
    ];
    for (const [method, path] of routes) {
      const url = `${base}/jobs/set-1${path}`;
      const body = method === 'PUT' ? order : undefined;
      expect((await exchange(method, url, body)).status).toBe(401);
      const allowed = await exchange(method, url, body, { 'modal-key': 'wk-1', 'modal-secret': 'ws-1' });
      expect(allowed.status).not.toBe(401);
    }
  });
});

describe('a reset', () => {
  it('forgets jobs and voids, and whoever waits sees a broken connection', async () => {
    emulator.settings.change({ fixedLatencySeconds: 1_000_000, timeScale: 1 });
    await put('set-1');
    await exchange('POST', `${base}/jobs/set-2/void`);
    const waiting = expect(look('set-1', 60)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await begun('set-1');
    await emulator.reset();
    await waiting;
    expect(await look('set-1')).toMatchObject({ code: 'never_accepted' });
    expect((await put('set-2')).status).toBe(202);
    expect(entries()).toHaveLength(1);
  });
});
