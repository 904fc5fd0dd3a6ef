import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { faultNames } from '../../emulator/faults/fault-catalogue';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import type { JournalPage } from '../../emulator/journal';
import { waitUntil } from '../support/wait-until';
import { exchange, json, type Exchange } from './support/exchange';
import { sampleDataUrl } from './support/pictures';

let emulator: RunningEmulator;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001, seed: 7 });
});
afterAll(() => emulator.close());
beforeEach(() => emulator.reset());

const control = (method: string, path: string, body?: unknown): Promise<Exchange> =>
  exchange(method, `${emulator.urls.control}/control${path}`, body);
const flux = (body: unknown): Promise<Exchange> =>
  exchange('POST', `${emulator.urls.modal}/ryla-flux/flux`, body);
const small = { prompt: 'x', width: 64, height: 64 };

describe('a wrong control request is a 400 that names the field', () => {
  const cases: [method: string, path: string, body: unknown, field: string, says: string][] = [
    ['POST', '/faults', { fault: 'html_502' }, 'provider', ''],
    ['POST', '/faults', { provider: 'modal', fault: 'nonsense' }, 'fault', ''],
    [
      'POST',
      '/faults',
      { provider: 'modal', fault: 'pod_restart' },
      'fault',
      'modal has no fault pod_restart; it has: rate_limited',
    ],
    [
      'POST',
      '/faults',
      { provider: 'fal', fault: 'policy_422', params: { hops: 3 } },
      'params.hops',
      'it takes none',
    ],
    [
      'POST',
      '/faults',
      { provider: 'fal', fault: 'html_502', params: { on: 'poll' } },
      'params.on',
      'submit, status',
    ],
    ['POST', '/faults', { provider: 'fal', fault: 'html_502', times: 0 }, 'times', ''],
    ['POST', '/faults', { provider: 'fal', fault: 'html_502', probability: 2 }, 'probability', ''],
    [
      'POST',
      '/faults',
      { provider: 'fal', fault: 'html_502', match: { paths: 'x' } },
      'match.paths',
      'unknown field',
    ],
    [
      'POST',
      '/faults',
      { provider: 'modal', fault: 'nodes_503', match: { path: '/flux-dev' } },
      'match.path',
      'it strikes only /sdxl-instantid, /flux-ipadapter-faceid',
    ],
    [
      'POST',
      '/faults',
      { provider: 'modal', fault: 'slow_drip', params: { on: 'run' } },
      'params.on',
      'strikes a request',
    ],
    [
      'POST',
      '/faults',
      { provider: 'fal', fault: 'poll_status', params: { status: 500 } },
      'params.status',
      '302, 307, 204, 400, 422',
    ],
    [
      'POST',
      '/faults',
      { provider: 'fal', fault: 'completed_then_error', params: { status: 302 } },
      'params.status',
      '400 to 599',
    ],
    ['POST', '/providers/modal', { state: 'broken' }, 'state', ''],
    ['POST', '/providers/openai', { state: 'down' }, 'name', ''],
    ['PUT', '/settings', { timeScale: 'slow' }, 'timeScale', ''],
    ['PUT', '/settings', { modal: { pendingStatus: 500 } }, 'modal.pendingStatus', ''],
    ['PUT', '/settings', { modal: { jobs: 'both' } }, 'modal.jobs', ''],
    ['PUT', '/settings', { speed: 1 }, 'speed', 'unknown field'],
    ['PUT', '/loras/character-x.exe', undefined, 'file', 'safetensors'],
    ['GET', '/journal?since=yesterday', undefined, 'since', ''],
    ['GET', '/journal?provider=openai', undefined, 'provider', ''],
  ];
  it.each(cases)('%s %s %j', async (method, path, body, field, says) => {
    const reply = await control(method, path, body);
    expect(reply.status).toBe(400);
    expect(json(reply)).toMatchObject({
      issues: [{ field, message: expect.stringContaining(says) as unknown }],
    });
  });

  it('also when the body is no JSON, and an unknown route is 404', async () => {
    expect((await control('POST', '/faults', '{')).status).toBe(400);
    expect((await control('GET', '/nothing')).status).toBe(404);
  });
});

describe('faults', () => {
  it('are listed with how often they struck, and removed all at once', async () => {
    const added = json(await control('POST', '/faults', { provider: 'modal', fault: 'html_502', times: 2 }));
    expect(added).toMatchObject({
      id: 'fault-1',
      stage: 'call',
      namedStage: 'put',
      timesLeft: 2,
      struck: 0,
      lastStruckAt: null,
    });
    await flux(small);
    expect(json(await control('GET', '/faults'))).toMatchObject({
      faults: [{ timesLeft: 1, struck: 1, lastStruckAt: expect.stringMatching(/^\d{4}-/) as unknown }],
    });
    expect((await control('DELETE', '/faults')).status).toBe(204);
    expect((await flux(small)).status).toBe(200);
  });

  it('that only some endpoints have are taken for any part of them, and for all', async () => {
    for (const match of [undefined, { path: '/sdxl*' }, { path: '/flux-ipadapter-faceid' }]) {
      const reply = await control('POST', '/faults', { provider: 'modal', fault: 'nodes_503', match });
      expect(reply.status).toBe(201);
    }
  });

  it('have a catalogue that tells what each one serves', async () => {
    const catalogue = json(await control('GET', '/fault-catalogue')) as Record<string, { summary: string }>;
    expect(catalogue['redirect_chain']?.summary).toContain('hops');
  });

  it('are removed one by one, or strike for a while only', async () => {
    const first = { provider: 'modal', fault: 'html_502', forSeconds: 3600 };
    const added = json(await control('POST', '/faults', first)) as { id: string; endsAt: string };
    expect(Date.parse(added.endsAt)).toBeGreaterThan(Date.now());
    const brief = { provider: 'modal', fault: 'http_503', forSeconds: 0.001 };
    const { id, endsAt } = json(await control('POST', '/faults', brief)) as { id: string; endsAt: string };
    expect((await control('DELETE', `/faults/${added.id}`)).status).toBe(204);
    expect((await control('DELETE', `/faults/${added.id}`)).status).toBe(404);
    await waitUntil(() => Promise.resolve(Date.now() > Date.parse(endsAt)));
    expect(emulator.faults.take('modal', 'call', { endpoint: '/flux-dev' })).toBeUndefined();
    expect(json(await control('GET', '/faults'))).toMatchObject({ faults: [{ id, struck: 0 }] });
  });
});

describe('the README', () => {
  it('lists every fault', async () => {
    const readme = await readFile(join(__dirname, '../../emulator/README.md'), 'utf8');
    expect(faultNames.filter((name) => !readme.includes(`| \`${name}\` `))).toEqual([]);
  });
});

describe('settings', () => {
  it('change in part, show what is in force, and go back with a reset', async () => {
    await control('PUT', '/settings', { costHeaders: true, modal: { redirectAfterSeconds: 1 } });
    const changed = json(await control('GET', '/settings'));
    expect(changed).toMatchObject({
      costHeaders: true,
      timeScale: 0.001,
      modal: { redirectAfterSeconds: 1, pendingStatus: 303 },
    });
    expect((await control('POST', '/reset')).status).toBe(204);
    expect(json(await control('GET', '/settings'))).toMatchObject({
      costHeaders: false,
      modal: { redirectAfterSeconds: 150 },
    });
  });
});

describe('providers', () => {
  it('go down and come up on the same port, and health says so', async () => {
    expect(json(await control('POST', '/providers/modal', { state: 'down' }))).toEqual({
      name: 'modal',
      state: 'down',
    });
    await expect(flux(small)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(json(await control('GET', '/health'))).toMatchObject({
      status: 'ok',
      seed: 7,
      providers: { modal: { state: 'down', url: emulator.urls.modal }, fal: { state: 'up' } },
    });
    await control('POST', '/providers/modal', { state: 'up' });
    expect((await flux(small)).status).toBe(200);
  });

  it('are all up after a reset', async () => {
    await control('POST', '/providers/fal', { state: 'down' });
    await control('POST', '/reset');
    expect(json(await control('GET', '/providers'))).toMatchObject({ fal: { state: 'up' } });
  });
});

describe('the journal', () => {
  const read = async (query = ''): Promise<JournalPage> =>
    JSON.parse((await control('GET', `/journal${query}`)).text) as JournalPage;

  it('lists every paid job with its body, pictures replaced by hash and size', async () => {
    const reference = await sampleDataUrl();
    const body = { ...small, seed: 3, reference_image: reference };
    await exchange('POST', `${emulator.urls.modal}/ryla-instantid/sdxl-instantid`, body);
    const { entries, totals } = await read();

    expect(entries).toMatchObject([
      {
        provider: 'modal',
        endpoint: '/sdxl-instantid',
        app: 'ryla-instantid',
        paid: true,
        outcome: 'succeeded',
        chargedUsd: 0.015718,
        width: 64,
        height: 64,
        seed: 3,
        bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
        body: {
          ...small,
          reference_image: {
            mediaType: 'image/png',
            sha256: expect.any(String) as unknown,
            bytes: expect.any(Number) as unknown,
          },
        },
      },
    ]);
    expect(totals).toEqual({
      accepted: 1,
      chargedUsd: 0.015718,
      byProvider: { modal: { accepted: 1, chargedUsd: 0.015718 } },
    });
  });

  it('can be read from a number on, by provider, and be cleared without numbers starting again', async () => {
    await flux(small);
    await flux({});
    const [first] = (await read()).entries;
    await flux(small);
    const later = await read(`?since=${first?.n}`);
    expect([later.entries.length, later.rejections.length]).toEqual([1, 1]);
    expect((await read('?provider=fal')).entries).toEqual([]);
    await control('DELETE', '/journal');
    expect(await read()).toMatchObject({
      entries: [],
      rejections: [],
      totals: { accepted: 0, chargedUsd: 0 },
    });
    await flux(small);
    expect((await read()).entries[0]?.n).toBeGreaterThan(later.entries[0]?.n ?? 0);
  });

  it('gives equal bodies one hash and different ones two', async () => {
    for (const seed of [1, 1, 2]) await flux({ ...small, seed });
    const hashes = (await read()).entries.map(({ bodyHash }) => bodyHash);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it('adds nothing for a job that a reset has ended', async () => {
    emulator.settings.change({ timeScale: 10 });
    const broken = expect(flux(small)).rejects.toMatchObject({ code: 'ECONNRESET' });
    while (emulator.journal.read().entries.length === 0)
      await new Promise((resolve) => setImmediate(resolve));
    await control('POST', '/reset');
    await broken;
    expect((await read()).entries).toEqual([]);
  });
});
