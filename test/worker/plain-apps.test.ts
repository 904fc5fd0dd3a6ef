import { startEmulator, type RunningEmulator } from '../../src/emulator/start-emulator';
import { createModalClient } from '../../src/providers/modal/client';
import { namePlainApps } from '../../src/worker/provider-clients';

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
