import { createGenerationStore, createProviderAppStore, createProviderHealthStore } from '../../src/db';
import { emulatedTaskQueue, generationTaskQueue } from '../../src/domain/task-queues';
import { generationState, slotState } from '../db/states';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
}, 90_000);

afterAll(() => api.close());

const items = async () => (await api.send({ url: '/v1/providers' })).body['items'];

describe('the providers', () => {
  it('are up until one is known to be down', async () => {
    const up = { enabled: true, state: 'up', since: null, reason: null, nextProbeAt: null, parkedJobs: 0 };

    expect(await items()).toMatchObject([
      { provider: 'modal', ...up },
      { provider: 'fal', ...up },
      { provider: 'comfyui', ...up },
    ]);
  });

  it('show why one is down, when it is asked next, and how many jobs wait for it', async () => {
    const down = {
      provider: 'modal',
      state: 'down',
      since: '2026-01-02T03:04:05.000Z',
      reason: 'connection refused',
      nextProbeAt: '2026-01-02T03:04:35.000Z',
    } as const;
    await createProviderHealthStore(api.database.db, emulatedTaskQueue).record(down);
    const waiting = {
      reason: 'out',
      since: down.since,
      nextTryAt: down.since,
      round: 1,
      watched: ['modal' as const],
    };
    await createGenerationStore(api.database.db).saveState(
      generationState({ slots: [slotState({ status: 'waiting', waiting })] }),
    );

    expect(await items()).toMatchObject([{ ...down, parkedJobs: 1 }, { state: 'up' }, { state: 'up' }]);
  });

  it('count the jobs that their watch lists, also before the rows say who came or went', async () => {
    const health = createProviderHealthStore(api.database.db, emulatedTaskQueue);
    const since = '2026-01-03T03:04:05.000Z';
    await health.record({ provider: 'modal', state: 'down', since, parkedJobs: 3 });
    expect(await items()).toMatchObject([{ parkedJobs: 3 }, {}, {}]);
    await health.recordParked({ provider: 'modal', parkedJobs: 0 });
    expect(await items()).toMatchObject([{ state: 'down', parkedJobs: 0 }, {}, {}]);
    await health.record({ provider: 'modal', state: 'up', since: '2026-01-03T03:05:05.000Z', parkedJobs: 3 });
    expect(await items()).toMatchObject([{ parkedJobs: 1 }, {}, {}]);
    // Woken: their rows say so later.
    await health.recordParked({ provider: 'modal', parkedJobs: 0 });
    expect(await items()).toMatchObject([{ parkedJobs: 0 }, {}, {}]);
  });

  it('show until when one asked to be left alone', async () => {
    const until = new Date(Date.now() + 60_000).toISOString();
    const health = createProviderHealthStore(api.database.db, emulatedTaskQueue);
    await health.pause({ provider: 'fal', until });
    await health.pause({ provider: 'comfyui', until: '2026-01-02T03:04:05.000Z' });

    expect(await items()).toMatchObject([{ busyUntil: null }, { busyUntil: until }, { busyUntil: null }]);
  });

  it('name the apps whose jobs get no name, and those that have not said', async () => {
    const apps = createProviderAppStore(api.database.db, emulatedTaskQueue);
    await apps.record([
      { provider: 'modal', app: 'ryla-flux', namedJobs: false },
      { provider: 'modal', app: 'ryla-instantid', namedJobs: true },
      { provider: 'modal', app: 'ryla-of-last-year', namedJobs: false },
    ]);
    const [modal, fal] = (await items()) as { plainApps: string[]; unknownApps: string[] }[];
    expect(modal?.plainApps).toEqual(['ryla-flux']);
    expect(modal?.unknownApps).toContain('ryla-wan26');
    for (const known of ['ryla-instantid', 'ryla-flux']) expect(modal?.unknownApps).not.toContain(known);
    expect(fal).toMatchObject({ plainApps: [], unknownApps: [] });

    await apps.record([{ provider: 'modal', app: 'ryla-flux', namedJobs: true }]);
    expect(await items()).toMatchObject([{ plainApps: [] }, {}, {}]);
  });

  it('show nothing of the providers behind another task queue', async () => {
    const since = '2026-01-02T03:04:05.000Z';
    const real = createProviderHealthStore(api.database.db, generationTaskQueue);
    await real.record({ provider: 'fal', state: 'down', since });
    const realApps = createProviderAppStore(api.database.db, generationTaskQueue);
    await realApps.record([{ provider: 'modal', app: 'ryla-wan26', namedJobs: false }]);

    expect(await items()).toMatchObject([{ plainApps: [] }, { provider: 'fal', state: 'up' }, {}]);
  });

  it('show which ones are not set up here, and how to', async () => {
    const other = await openTestApi({ FAL_KEY: 'key' });
    const { body } = await other.send({ url: '/v1/providers' });
    await other.close();

    expect(body['items']).toMatchObject([
      {
        provider: 'modal',
        enabled: false,
        disabledReason: expect.stringContaining('MODAL_WORKSPACE') as unknown,
      },
      { provider: 'fal', enabled: true, disabledReason: null },
      { provider: 'comfyui', enabled: false },
    ]);
  });
});
