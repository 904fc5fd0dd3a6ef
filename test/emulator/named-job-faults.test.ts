import type { FaultName, FaultParameters } from '../../emulator/faults/fault-catalogue';
import type { JournalEntry } from '../../emulator/journal';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { exchange, json, type Exchange } from './support/exchange';

let emulator: RunningEmulator;
let base: string;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  base = `${emulator.urls.modal}/ryla-flux`;
});
afterAll(() => emulator.close());
beforeEach(() => emulator.reset());

const key = 'set-1';
const order = { path: '/flux-dev', body: { prompt: 'a red door', width: 64, height: 64, seed: 5 } };
const put = (): Promise<Exchange> => exchange('PUT', `${base}/jobs/${key}`, order);
const look = (wait = 0): Promise<Exchange> => exchange('GET', `${base}/jobs/${key}?wait=${wait}`);
const download = (): Promise<Exchange> => exchange('GET', `${base}/jobs/${key}/result`);
const stop = (): Promise<Exchange> => exchange('DELETE', `${base}/jobs/${key}`);
const voidKey = (): Promise<Exchange> => exchange('POST', `${base}/jobs/${key}/void`);
const entries = (): JournalEntry[] => emulator.journal.read().entries;
const reset = { code: 'ECONNRESET' };
const typicalUsd = 0.020054;
/** Of a route that refuses at once: 10 ms. */
const momentUsd = 0.000005;

function add(fault: FaultName, params: FaultParameters = {}, times = 1): string {
  return emulator.faults.add({ provider: 'modal', fault, params, times }).id;
}

async function ended(): Promise<Record<string, unknown>> {
  for (;;) {
    const state = json(await look(60));
    if (state['endedAt'] !== null) return state;
  }
}

describe('a PUT', () => {
  it.each(['put_lost_before_claim', 'reset_before_headers'] as const)(
    'that %s strikes has no effect',
    async (fault) => {
      add(fault);
      await expect(put()).rejects.toMatchObject(reset);
      expect((await look()).status).toBe(404);
      expect((await voidKey()).status).toBe(200);
      expect(entries()).toEqual([]);
    },
  );

  it.each(['put_lost_after_claim', 'submit_lost'] as const)(
    'that %s strikes is accepted, and runs',
    async (fault) => {
      add(fault);
      await expect(put()).rejects.toMatchObject(reset);
      expect((await voidKey()).status).toBe(409);
      expect((await put()).status).toBe(200);
      expect(await ended()).toMatchObject({ state: 'succeeded', runs: 1 });
      expect(entries()).toMatchObject([{ jobKey: key, chargedUsd: typicalUsd }]);
    },
  );

  it.each([
    ['accepted_504', 504],
    ['accepted_502', 502],
  ] as const)('that %s strikes is accepted, and answered by something else', async (fault, status) => {
    add(fault);
    expect((await put()).status).toBe(status);
    expect(await ended()).toMatchObject({ state: 'succeeded' });
    expect(entries()).toHaveLength(1);
  });

  it.each([
    ['rate_limited', 429, 'too many requests'],
    ['auth_401', 401, 'modal-http'],
    ['billing_403', 403, 'spend limit'],
    ['html_502', 502, '<html>'],
    ['http_503', 503, 'unavailable'],
    ['http_408', 408, 'timeout'],
    ['http_504', 504, 'timeout'],
    ['app_stopped', 404, 'modal-http: app for invoked web endpoint is stopped'],
  ] as const)('that %s strikes is %i, before anything was accepted', async (fault, status, says) => {
    add(fault);
    const reply = await put();
    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(says)]);
    expect(json(await look())).toMatchObject({ code: 'never_accepted' });
    expect(emulator.journal.read()).toMatchObject({ entries: [], rejections: [{ jobKey: key, status }] });
    expect((await put()).status).toBe(202);
  });

  it.each(['GET', 'PUT'])(
    'whose gateway dies between claim and spawn starts nothing until a %s heals it, once',
    async (method) => {
      add('gateway_dies_before_spawn');
      await expect(put()).rejects.toMatchObject(reset);
      expect((await voidKey()).status).toBe(409);
      expect(json(await voidKey())['job']).toMatchObject({ state: 'queued', callId: null, runs: 0 });
      const replies = await Promise.all([1, 2, 3].map(() => (method === 'GET' ? look() : put())));
      expect(new Set(replies.map((reply) => json(reply)['callId'])).size).toBe(1);
      expect(await ended()).toMatchObject({ state: 'succeeded', runs: 1 });
      expect(entries()).toHaveLength(1);
    },
  );

  it('whose gateway died can still be stopped for nothing', async () => {
    add('gateway_dies_before_spawn');
    await expect(put()).rejects.toMatchObject(reset);
    expect(json(await stop())).toMatchObject({ state: 'cancelled', billing: { billed: false, costUsd: 0 } });
    expect((await put()).status).toBe(200);
    expect(json(await look())).toMatchObject({ state: 'cancelled', runs: 0 });
    expect(entries()).toMatchObject([{ outcome: 'cancelled', chargedUsd: 0 }]);
  });

  it('that is late takes effect when it arrives', async () => {
    add('late_put', { seconds: 100 });
    await expect(put()).rejects.toMatchObject(reset);
    expect((await look()).status).toBe(404);
    while ((await look()).status === 404);
    expect(await ended()).toMatchObject({ state: 'succeeded', runs: 1 });
    expect(entries()).toHaveLength(1);
  });

  it('that is late, and overtaken by a void, has none', async () => {
    add('late_put', { seconds: 100 });
    await expect(put()).rejects.toMatchObject(reset);
    expect((await voidKey()).status).toBe(200);
    while (emulator.journal.read().rejections.length === 0) await look();
    expect(emulator.journal.read()).toMatchObject({
      entries: [],
      rejections: [{ jobKey: key, status: 410 }],
    });
    expect((await look()).status).toBe(410);
  });
});

describe('a fault of the route or the picture makes the job end that way', () => {
  type Row = [fault: FaultName, params: FaultParameters, status: number, says: string, charged: number];
  const failures: Row[] = [
    ['lora_missing', {}, 404, 'LoRA not found', momentUsd],
    ['route_missing', {}, 404, '{"detail":"Not Found"}', momentUsd],
    ['input_as_500', {}, 500, '"type":"KeyError"', momentUsd],
    ['faceswap_502', {}, 502, 'Face swap service failed', momentUsd],
    ['http_503', { on: 'run' }, 503, 'service unavailable', momentUsd],
    ['crash_500', { type: 'OutOfMemoryError' }, 500, '"type":"OutOfMemoryError"', typicalUsd],
  ];
  it.each(failures)('%s %j: failed with %i', async (fault, params, status, says, charged) => {
    add(fault, params);
    expect((await put()).status).toBe(202);
    expect(await ended()).toMatchObject({
      state: 'failed',
      error: { status, body: expect.stringContaining(says) as unknown, code: 'route_error' },
      costUsd: charged,
    });
    const outcomes = entries().map(({ outcome, chargedUsd }) => [outcome, chargedUsd]);
    expect(outcomes).toEqual([['failed', charged]]);
    expect((await download()).status).toBe(409);
  });

  it.each([
    ['empty_200', 'image/jpeg', 0],
    ['html_200', 'text/html; charset=utf-8', undefined],
    ['json_200', 'application/json', undefined],
  ] as const)('%s: that is the result for good', async (fault, mediaType, bytes) => {
    add(fault);
    await put();
    const state = await ended();
    expect(state).toMatchObject({ state: 'succeeded', mediaType, costUsd: typicalUsd });
    if (bytes !== undefined) expect(state['bytes']).toBe(bytes);
    expect((await download()).headers['content-type']).toBe(mediaType);
    expect((await download()).headers['content-type']).toBe(mediaType);
  });

  it('truncated at the run leaves half a picture for good', async () => {
    await put();
    const { bytes } = await ended();
    await emulator.reset();
    add('truncated', { on: 'run' });
    await put();
    expect((await ended())['bytes']).toBe(Math.floor(Number(bytes) / 2));
  });

  it('black_image and wrong_size draw another picture', async () => {
    const hashes = new Set<unknown>();
    for (const fault of [undefined, 'black_image', 'wrong_size'] as const) {
      await emulator.reset();
      if (fault !== undefined) add(fault);
      await put();
      hashes.add((await ended())['sha256']);
    }
    expect(hashes.size).toBe(3);
  });

  it('cold_start keeps it in the queue', async () => {
    add('cold_start', { seconds: 100_000 });
    await put();
    expect(json(await look(10))).toMatchObject({ state: 'queued' });
    expect(json(await stop())).toMatchObject({ billing: { billed: false } });
  });

  it('headers of the route are told in the state, and no_cost_headers tells no cost', async () => {
    emulator.settings.change({ costHeaders: true });
    add('no_cost_headers');
    await put();
    expect(await ended()).toMatchObject({ costUsd: null, seconds: 37, headers: {} });
    expect(entries()).toMatchObject([{ chargedUsd: typicalUsd }]);
    await emulator.reset();
    emulator.settings.change({ costHeaders: true });
    await put();
    expect((await ended())['headers']).toEqual({
      'x-cost-usd': '0.020054',
      'x-execution-time-sec': '37.000',
      'x-gpu-type': 'L40S',
    });
  });

  it('redirects strike no named job', async () => {
    add('redirect_chain');
    expect((await put()).status).toBe(202);
    expect((await download()).status).not.toBe(303);
    expect(emulator.faults.list()).toMatchObject([{ struck: 0 }]);
  });
});

describe('a runner', () => {
  it('that is killed runs again: two runs, both billed', async () => {
    add('runner_killed');
    await put();
    expect(await ended()).toMatchObject({
      state: 'succeeded',
      runs: 2,
      seconds: 55.5,
      costUsd: 0.030081,
    });
    expect(entries()).toMatchObject([{ outcome: 'succeeded', chargedUsd: 0.030081 }]);
  });

  it('that is lost ends the job, billed up to there', async () => {
    add('runner_lost');
    await put();
    expect(await ended()).toMatchObject({
      state: 'failed',
      runs: 1,
      error: { status: null, contentType: null, code: 'runner_lost' },
      seconds: 18.5,
      costUsd: 0.010027,
    });
    expect(entries()).toMatchObject([{ outcome: 'failed', chargedUsd: 0.010027 }]);
  });

  it('whose container crashes at the end (plain_500) is lost, and billed in whole', async () => {
    add('plain_500');
    await put();
    expect(await ended()).toMatchObject({ state: 'failed', error: { code: 'runner_lost' } });
    expect(entries()).toMatchObject([{ outcome: 'failed', chargedUsd: typicalUsd }]);
  });
});

describe('a state', () => {
  it('is stuck for as long as the fault is there', async () => {
    const id = emulator.faults.add({ provider: 'modal', fault: 'state_stuck' }).id;
    await put();
    while (entries()[0]?.outcome !== 'succeeded') await look();
    expect(json(await look(10))).toMatchObject({
      state: 'running',
      endedAt: null,
      costUsd: null,
      bytes: null,
    });
    emulator.faults.remove(id);
    expect(json(await look())).toMatchObject({ state: 'succeeded', costUsd: typicalUsd });
  });

  it('is stuck for some seconds after the end of the job, whoever asks', async () => {
    add('state_stuck', { seconds: 1000 });
    await put();
    await look();
    while (entries()[0]?.outcome !== 'succeeded') await look();
    expect(json(await look())).toMatchObject({ state: 'running' });
    expect(json(await put())).toMatchObject({ state: 'running' });
    expect(json(await download())).toMatchObject({ code: 'not_finished' });
    expect(await ended()).toMatchObject({ state: 'succeeded' });
    const { acceptedAt, endedAt } = await ended();
    expect(Date.now() - Date.parse(String(endedAt))).toBeGreaterThanOrEqual(1000);
    expect(Date.parse(String(endedAt)) - Date.parse(String(acceptedAt))).toBeLessThan(1000);
  });

  it.each([302, 307, 204, 400, 422])('answers %i to a poll, and is itself unharmed', async (status) => {
    add('poll_status', { status });
    await put();
    const reply = await look();
    expect([reply.status, reply.headers.location !== undefined]).toEqual([
      status,
      status < 400 && status > 204,
    ]);
    expect(await ended()).toMatchObject({ state: 'succeeded' });
  });

  it('does not answer where its connection is struck', async () => {
    await put();
    for (const fault of ['reset_before_headers', 'reset_mid_body'] as const) {
      add(fault, { on: 'state' });
      await expect(look()).rejects.toMatchObject(reset);
    }
    add('app_stopped', { on: 'state' });
    expect((await look()).text).toContain('modal-http');
    expect(await ended()).toMatchObject({ state: 'succeeded' });
  });
});

describe('a result', () => {
  beforeEach(async () => {
    await put();
    await ended();
  });

  it('that is gone is 410', async () => {
    add('result_gone');
    const reply = await download();
    expect([reply.status, json(reply)['code']]).toEqual([410, 'result_gone']);
    expect((await download()).status).toBe(200);
  });

  it('that breaks on its way can be had again, in the rest of it too', async () => {
    add('reset_mid_body');
    await expect(download()).rejects.toMatchObject(reset);
    add('truncated');
    const half = await download();
    expect(entries()).toMatchObject([{ responseDelivered: false }]);
    const rest = await exchange('GET', `${base}/jobs/${key}/result`, undefined, {
      range: `bytes=${half.bytes.length}-`,
    });
    const whole = await download();
    expect(Buffer.concat([half.bytes, rest.bytes]).equals(whole.bytes)).toBe(true);
    expect(entries()).toMatchObject([{ responseDelivered: true }]);
  });

  it.each([302, 307, 204, 400, 422])('answers %i when a download is struck', async (status) => {
    add('poll_status', { status, on: 'result' });
    expect((await download()).status).toBe(status);
    expect((await download()).status).toBe(200);
  });
});

describe('a stop or a void', () => {
  it('has no effect where its request is lost, and has one where its answer is', async () => {
    emulator.settings.change({ fixedLatencySeconds: 1_000_000 });
    await put();
    add('reset_before_headers', { on: 'delete' });
    await expect(stop()).rejects.toMatchObject(reset);
    add('http_503', { on: 'delete' });
    expect((await stop()).status).toBe(503);
    expect(json(await look())).toMatchObject({ state: 'running' });
    add('reset_mid_body', { on: 'delete' });
    await expect(stop()).rejects.toMatchObject(reset);
    expect(json(await look())).toMatchObject({ state: 'cancelled' });
  });

  it('of a key is the same there', async () => {
    add('reset_before_headers', { on: 'void' });
    await expect(voidKey()).rejects.toMatchObject(reset);
    expect((await look()).status).toBe(404);
    add('reset_mid_body', { on: 'void' });
    await expect(voidKey()).rejects.toMatchObject(reset);
    expect((await put()).status).toBe(410);
  });
});

describe('which named jobs a fault strikes', () => {
  it('follows the route and the prompt of the job, in every request for it', async () => {
    for (const on of ['put', 'state', 'result', 'delete', 'void']) {
      const match = { path: '/flux*', app: 'ryla-flux', promptIncludes: 'RED' };
      emulator.faults.add({ provider: 'modal', fault: 'http_503', match, params: { on }, times: 1 });
    }
    expect((await put()).status).toBe(503);
    expect((await put()).status).toBe(202);
    const replies = [await look(), await download(), await stop(), await voidKey()];
    expect(replies.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
  });

  it('leaves plain calls alone where it was put on a step of named ones', async () => {
    for (const on of ['put', 'run', 'state', 'result']) add('http_503', { on });
    expect((await exchange('POST', `${base}/flux-dev`, order.body)).status).toBe(200);
  });
});
