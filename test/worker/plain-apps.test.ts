import { loadSettings } from '../../src/config/env';
import { createProviderAppStore } from '../../src/db';
import { emulatedTaskQueue } from '../../src/domain/task-queues';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { createModalClient } from '../../src/providers/modal/client';
import { AppRecords } from '../../src/worker/app-records';
import { createProviderClients, namePlainApps } from '../../src/worker/provider-clients';
import { openTestApi, type TestApi } from '../api/test-api';
import { waitUntil } from '../support/wait-until';

let emulator: RunningEmulator;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.002 });
});

afterAll(async () => {
  await emulator.close();
});

/** What a worker that starts logs of the apps. */
async function warnings(): Promise<{ apps: string[]; message: string }[]> {
  const logged: { apps: string[]; message: string }[] = [];
  const client = createModalClient({ baseUrl: `${emulator.urls.modal}/{app}` });
  const warn = ({ apps }: { apps: string[] }, message: string) => void logged.push({ apps, message });
  await namePlainApps(client, { warn });
  return logged;
}

describe('a worker that starts', () => {
  it('names the Modal apps that take no named jobs, each once', async () => {
    emulator.settings.change({ modal: { jobs: 'plain' } });
    const logged = await warnings();
    expect(logged).toHaveLength(1);
    const { apps = [], message } = logged[0] ?? {};
    expect(message).toContain('take no named jobs');
    expect(apps).toEqual(expect.arrayContaining(['ryla-flux', 'ryla-wan26']));
    expect(new Set(apps).size).toBe(apps.length);
  });

  it('has nothing to say where all take them, and says where nobody answers', async () => {
    emulator.settings.change({ modal: { jobs: 'named' } });
    expect(await warnings()).toEqual([]);
    await emulator.setProviderState('modal', 'down');
    const [logged] = await warnings();
    expect(logged?.message).toContain('did not say');
  });
});

describe('the apps of a provider, as the API shows them', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi();
  }, 90_000);
  afterAll(() => api.close());
  beforeEach(async () => {
    await emulator.setProviderState('modal', 'up');
    await api.database.db.deleteFrom('provider_apps').execute();
  });

  interface AppsShown {
    plainApps: string[];
    unknownApps: string[];
  }

  async function shown(): Promise<AppsShown> {
    const { body } = await api.send({ url: '/v1/providers' });
    return (body['items'] as AppsShown[])[0] ?? { plainApps: [], unknownApps: [] };
  }

  /** The clients of a worker that starts, over the database of the API. */
  function startWorker(environment: NodeJS.ProcessEnv = {}, record = toDatabase, againMs = 1) {
    const logger = { warn: () => undefined };
    const appRecords = new AppRecords({ record, logger, againMs });
    const { providers } = loadSettings({
      ...{ EMULATOR_MODAL_URL: emulator.urls.modal, EMULATOR_FAL_URL: emulator.urls.fal },
      ...environment,
    });
    appRecords.start();
    const falCallbacks = {
      claim: () => Promise.resolve(),
      lookUp: () => Promise.resolve(undefined),
      takenByOthers: () => Promise.resolve([]),
    };
    const { clients, logLimits } = createProviderClients(providers, {
      ...{ falCallbacks, logger },
      onApp: (app) => {
        appRecords.note(app);
      },
    });
    logLimits();
    return clients;
  }
  const toDatabase: ConstructorParameters<typeof AppRecords>[0]['record'] = (apps) =>
    createProviderAppStore(api.database.db, emulatedTaskQueue).record(apps);

  it('name the plain one from the start of a worker on, and no longer once it is deployed with named jobs', async () => {
    emulator.settings.change({ modal: { jobs: 'named', plainApps: ['ryla-instantid'] } });
    const { modal } = startWorker();
    await waitUntil(async () => (await shown()).unknownApps.length === 0);
    expect((await shown()).plainApps).toEqual(['ryla-instantid']);

    emulator.settings.change({ modal: { plainApps: [] } });
    const { signal } = new AbortController();
    await modal?.checkHealth({ signal, app: 'ryla-instantid' });
    await waitUntil(async () => (await shown()).plainApps.length === 0);
  });

  it('are not known while none of them answers', async () => {
    await emulator.setProviderState('modal', 'down');
    const { modal } = startWorker();
    const { signal } = new AbortController();
    expect(await modal?.checkHealth({ signal })).toMatchObject({ healthy: false });
    const { plainApps, unknownApps } = await shown();
    expect(plainApps).toEqual([]);
    expect(unknownApps).toContain('ryla-flux');
  });

  it('are all plain where MODAL_NAMED_JOBS is off, whatever they say themselves', async () => {
    emulator.settings.change({ modal: { jobs: 'named', plainApps: [] } });
    const { modal } = startWorker({ MODAL_NAMED_JOBS: 'off' });
    const { signal } = new AbortController();
    await modal?.checkHealth({ signal });
    await waitUntil(async () => (await shown()).unknownApps.length === 0);
    expect((await shown()).plainApps).toEqual(expect.arrayContaining(['ryla-flux', 'ryla-wan26']));
  });

  it('are kept until the database can be reached', async () => {
    emulator.settings.change({ modal: { jobs: 'named', plainApps: ['ryla-flux'] } });
    let refusals = 3;
    startWorker({}, async (apps) => {
      if (refusals-- > 0) throw new Error('no database');
      await toDatabase(apps);
    });
    await waitUntil(async () => (await shown()).plainApps.join() === 'ryla-flux');
    await waitUntil(async () => (await shown()).unknownApps.length === 0);
  });
});
