import { createProviderHealthStore } from '../../src/db';
import { emulatedTaskQueue, generationTaskQueue } from '../../src/domain/task-queues';
import { createComfyUiClient } from '../../src/providers/comfyui/client';
import { createProviderHealth } from '../../src/worker/provider-health/provider-health';
import { createProviderWatches } from '../../src/worker/provider-watches';
import { openTestApi, type TestApi } from '../api/test-api';
import { studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { startSilentServer, type SilentServer } from '../support/silent-server';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();
let api: TestApi;
let pod: SilentServer;

beforeAll(async () => {
  api = await openTestApi();
  pod = await startSilentServer();
}, 90_000);
afterAll(async () => {
  await api.close();
  await pod.close();
});

interface Shown {
  provider: string;
  state: string;
  reason: string | null;
}

async function shownPod(): Promise<Shown | undefined> {
  const { body } = await api.send({ url: '/v1/providers' });
  return (body['items'] as Shown[]).find(({ provider }) => provider === 'comfyui');
}

describe('a pod that takes connections and answers nothing', () => {
  it('is shown as down within half a minute of the one slot that meets it', async () => {
    // All that a worker has between a failed call and the database.
    const store = createProviderHealthStore(api.database.db, emulatedTaskQueue);
    const health = createProviderHealth({
      list: () => store.list(),
      pauses: store,
      watches: createProviderWatches(harness.client, generationTaskQueue),
      logger: { warn: () => undefined },
    });
    harness.surroundings.failed = (...failure) => health.failed(...failure);
    harness.surroundings.recordHealth = (found) => store.record(found);
    const client = createComfyUiClient({ baseUrl: `http://127.0.0.1:${pod.port}` });
    await harness.withProviders([client], async () => {
      expect(await shownPod()).toMatchObject({ state: 'up' });
      const metAt = Date.now();
      const handle = await harness.start(studio({ nsfw: true }));
      await waitUntil(async () => (await shownPod())?.state === 'down');

      expect(Date.now() - metAt).toBeLessThan(30_000);
      expect((await shownPod())?.reason).toContain('answers nothing');
      await handle.terminate('end of the test');
    });
  }, 60_000);
});
