import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pino, type Logger } from 'pino';
import { buildApp } from '../../src/api/app';
import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import { createFilesystemAssetStore } from '../../src/assets';
import { loadSettings } from '../../src/config/env';
import { createDatabase } from '../../src/db';
import { picture } from '../assets/pictures';
import { silentLogger } from '../db/test-database';
import { startSilentServer } from '../support/silent-server';
import { FakeTemporal } from './fake-temporal';
import { openTestApi, send, type Call, type TestApi } from './test-api';

/** An API whose database is at `port`. */
async function openWith(port: number, logger: Logger = silentLogger) {
  const directory = await mkdtemp(join(tmpdir(), 'ryla-generation-assets-'));
  const db = createDatabase(`postgres://nobody@127.0.0.1:${port}/none`, silentLogger);
  const { routing, dailyLimits, taskQueue, access } = loadSettings({});
  const app = await buildApp({
    routing,
    dailyLimits,
    taskQueue,
    access,
    db,
    assetStore: createFilesystemAssetStore({ directory }),
    temporal: new FakeTemporal(),
    logger,
  });
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    baseUrl,
    async close() {
      await app.close();
      await db.destroy();
      await rm(directory, { recursive: true });
    },
  };
}

async function timed(baseUrl: string, call: Call) {
  const started = performance.now();
  const answer = await send(baseUrl, call);
  return { ...answer, seconds: (performance.now() - started) / 1000 };
}

const payload = { characterId: 'ava', prompt: 'at the beach' };
const calls: [string, Call][] = [
  ['starting a job', { method: 'POST', url: '/v1/studio', payload }],
  ['planning a route', { method: 'POST', url: '/v1/route-plans', payload: { ...payload, flow: 'studio' } }],
  ['reading a job', { url: '/v1/generations/0190a7a0-0000-7000-8000-000000000001' }],
  [
    'cancelling a job',
    { method: 'POST', url: '/v1/generations/0190a7a0-0000-7000-8000-000000000001/cancel' },
  ],
  [
    'making a slot try again',
    { method: 'POST', url: '/v1/generations/0190a7a0-0000-7000-8000-000000000001/retry-now' },
  ],
  ['asking for the spend', { url: '/v1/spend' }],
  ['asking for the providers', { url: '/v1/providers' }],
  ['listing jobs', { url: '/v1/generations' }],
  ['creating a character', { method: 'PUT', url: '/v1/characters/ava' }],
  ['listing LoRAs', { url: '/v1/characters/ava/loras' }],
];

describe('while nobody listens where the database should be', () => {
  let api: Awaited<ReturnType<typeof openWith>>;

  beforeAll(async () => {
    api = await openWith(1);
  });

  afterAll(() => api.close());

  it.each(calls)('%s is 503 at once, with a time to try again', async (_name, call) => {
    const { status, headers, body, seconds } = await timed(api.baseUrl, call);

    expect(status).toBe(503);
    expect(body['code']).toBe('database_unavailable');
    expect(headers.get('retry-after')).toBe('5');
    expect(seconds).toBeLessThan(5);
  });

  it('an upload is 503 too: without its record nobody would find it', async () => {
    const headers = { 'content-type': 'image/png' };
    const upload = { method: 'POST', url: '/v1/assets', headers, payload: await picture('png') };

    expect(await timed(api.baseUrl, upload)).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable' },
    });
  });

  it('what needs no database still works', async () => {
    expect((await send(api.baseUrl, { url: '/healthz' })).status).toBe(200);
    expect((await send(api.baseUrl, { url: '/v1/models' })).status).toBe(200);
  });
});

describe('the log', () => {
  it('tells a failed check once, and what is behind it', async () => {
    const log = new PassThrough();
    const logger = pino({ level: 'error' }, log);
    const api = await openWith(1, logger);
    await send(api.baseUrl, { url: '/readyz' });
    await send(api.baseUrl, { url: '/v1/generations' });
    await api.close();
    log.end();

    const lines = (await text(log)).trim().split('\n');
    const [check, list, ...more] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(check).toMatchObject({
      msg: 'Not ready: database cannot be reached, or has no tables yet.',
      code: 'not_ready',
    });
    expect(check).not.toHaveProperty('err');
    expect(list).toMatchObject({
      msg: 'The database cannot be reached right now.',
      err: { message: expect.stringContaining('ECONNREFUSED') as unknown },
    });
    expect(more).toEqual([]);
  });
});

describe('while the database takes connections but never answers', () => {
  it('every request ends within five seconds', async () => {
    const silent = await startSilentServer();
    const api = await openWith(silent.port);
    const all = [...calls, ['checking', { url: '/readyz' }] as [string, Call]];

    const answers = await Promise.all(all.map(([, call]) => timed(api.baseUrl, call)));

    expect(answers.map(({ status }) => status)).toEqual(all.map(() => 503));
    expect(Math.max(...answers.map(({ seconds }) => seconds))).toBeLessThan(5);
    await api.close();
    await silent.close();
  });
});

describe('readiness', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await openTestApi();
  }, 90_000);

  afterAll(() => api.close());

  it('names everything that is there', async () => {
    const ok = { ok: true };

    expect(await api.send({ url: '/readyz' })).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: { database: ok, temporal: ok, assets: ok } },
    });
  });

  it('names what is not, and why the others are', async () => {
    api.temporal.failure = new TemporalUnavailable('secret cause');

    const { status, body } = await api.send({ url: '/readyz' });

    expect(status).toBe(503);
    expect(body).toMatchObject({
      code: 'not_ready',
      detail: 'Not ready: temporal cannot be reached.',
      checks: {
        database: { ok: true },
        temporal: { ok: false, detail: 'cannot be reached' },
        assets: { ok: true },
      },
    });
  });
});
