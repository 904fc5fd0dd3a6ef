import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { watchPolicy } from '../../src/registry/watch-policy';
import { startTimeSkippingServer } from '../support/time-skipping';
import { openWatchHarness, watchId, type WatchHarness } from '../support/watch-harness';
import { healthy, silent, WatchedProvider } from '../support/watched-provider';

const hour = 3600 * 1000;

let environment: TestWorkflowEnvironment;
let harness: WatchHarness;
beforeAll(async () => {
  environment = await startTimeSkippingServer();
  harness = await openWatchHarness({
    address: environment.address,
    namespace: environment.namespace ?? 'default',
    client: environment.client,
  });
}, 120_000);
afterAll(async () => {
  await harness.close();
  await environment.teardown();
});

let provider: WatchedProvider;
beforeEach(() => {
  provider = new WatchedProvider();
});
afterEach(async () => {
  await environment.client.workflow
    .getHandle(watchId)
    .terminate('end of the test')
    .catch(() => undefined);
});

describe('an outage of six hours', () => {
  it('costs two requests a minute and ends by itself within 45 s of the provider being back', async () => {
    const backAt = (await environment.currentTimeMs()) + 6 * hour;
    const wokenAt: number[] = [];
    provider.health = async () => ((await environment.currentTimeMs()) >= backAt ? healthy : silent);
    provider.onWake = async () => void wokenAt.push(await environment.currentTimeMs());
    const work = async (): Promise<void> => {
      const jobs = await Promise.all(['a', 'b', 'c'].map((id) => harness.startJob(`hours/job-${id}`)));
      for (const job of jobs) expect(await job.result()).toEqual([{ provider: 'modal' }]);

      expect(Math.min(...wokenAt)).toBeGreaterThan(backAt);
      // The longest wait between two probes with its jitter, and what the wake-up itself takes.
      expect(Math.max(...wokenAt) - backAt).toBeLessThan(45_000);
      expect(provider.probes).toBeGreaterThan(6 * 60 * 1.7);
      expect(provider.probes).toBeLessThan(6 * 60 * 2.6);
    };
    await harness.withWorkers(provider, work, { policy: watchPolicy });
  }, 240_000);
});

describe('a provider that answers its probes and fails its calls', () => {
  it('gets longer and longer to recover, up to five minutes', async () => {
    const probedAt: number[] = [];
    provider.health = async () => {
      probedAt.push(await environment.currentTimeMs());
      return healthy;
    };
    const watches = harness.watches(watchPolicy);
    // Whoever is woken finds the calls failing and comes back to wait.
    provider.onWake = async (workflowId) => {
      if (provider.woken.length >= 10) return;
      await watches.reportOutage('modal', { reason: 'calls fail' });
      await watches.park('modal', workflowId);
    };
    const work = async (): Promise<void> => {
      await watches.park('modal', 'comes-back');
      await environment.client.workflow.result(watchId);

      const gaps = probedAt.slice(1).map((time, index) => (time - (probedAt[index] ?? 0)) / 1000);
      const expected = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
      expect(gaps).toHaveLength(expected.length);
      for (const [index, gap] of gaps.entries()) {
        expect(gap).toBeGreaterThan((expected[index] ?? 0) * 0.8);
        // Jitter, the pause before the wake-up, and the machine.
        expect(gap).toBeLessThan((expected[index] ?? 0) * 1.2 + 5);
      }
    };
    await harness.withWorkers(provider, work, { policy: watchPolicy });
  }, 120_000);
});
