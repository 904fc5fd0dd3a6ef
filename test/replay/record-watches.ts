import type { ProviderWatches } from '../../src/activities/watches';
import { startTemporalServer } from '../support/temporal';
import { waitUntil } from '../support/wait-until';
import { openWatchHarness, quickPolicy, watchId, type WatchHarness } from '../support/watch-harness';
import { healthy, silent, WatchedProvider } from '../support/watched-provider';
import { writeHistory } from './history-file';

const jobs = Array.from({ length: 12 }, (_, index) => `studio/demo/job-${index + 1}`);
const policy = { ...quickPolicy, quietSeconds: 3 };

/** Watches as a deploy may find them: probing with jobs on the list, between the canaries and the others, and ended. */
export async function recordWatches(): Promise<void> {
  const server = await startTemporalServer();
  const harness = await openWatchHarness(server);
  try {
    await record(harness);
  } finally {
    await harness.close();
    await server.stop();
  }
}

async function record(harness: WatchHarness): Promise<void> {
  const provider = new WatchedProvider();
  const handle = harness.client.workflow.getHandle(watchId);
  const write = async (name: string): Promise<void> =>
    writeHistory(name, { workflowId: watchId, history: await handle.fetchHistory() });
  await harness.withWorkers(provider, async () => {
    provider.health = () => silent;
    await fail(harness.watches(policy));
    await waitUntil(async () => (await harness.health()).failedProbes === 3);
    await write('provider-watch-parked');

    provider.onWake = () =>
      provider.woken.length === policy.canaries ? write('provider-watch-waking') : Promise.resolve();
    provider.health = () => healthy;
    await waitUntil(() => Promise.resolve(provider.woken.length === jobs.length));
    await harness.watches(policy).park('modal', jobs[0] ?? '');
    await handle.result();
    await write('provider-watch-completed');
  });
}

async function fail(watches: ProviderWatches): Promise<void> {
  await watches.reportOutage('modal', { reason: 'the host refused the connection' });
  for (const job of jobs) await watches.park('modal', job);
}
