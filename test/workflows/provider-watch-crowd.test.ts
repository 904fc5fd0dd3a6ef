import { startTemporalServer, type TemporalTestServer } from '../support/temporal';
import { waitUntil } from '../support/wait-until';
import { openWatchHarness, quickPolicy, watchId, type WatchHarness } from '../support/watch-harness';
import { healthy, silent, WatchedProvider } from '../support/watched-provider';

/** A server that calls a history long after 500 events, instead of 4,000. */
let server: TemporalTestServer;
let harness: WatchHarness;
beforeAll(async () => {
  server = await startTemporalServer({ dynamicConfig: ['limit.historyCount.suggestContinueAsNew=500'] });
  harness = await openWatchHarness(server);
});
afterAll(async () => {
  await harness.close();
  await server.stop();
});

const policy = { ...quickPolicy, canaries: 5, batchSize: 100, batchPauseSeconds: 1 };
const jobs = Array.from({ length: 2100 }, (_, index) => `crowd/job-${index + 1}`);

describe('thousands of jobs behind one outage', () => {
  it('are all woken, each once, a hundred at a time, although the watch went on in new histories', async () => {
    const provider = new WatchedProvider();
    provider.health = () => silent;
    const watches = harness.watches(policy);
    const wokenAt: number[] = [];
    provider.onWake = () => Promise.resolve(void wokenAt.push(Date.now()));
    await harness.withWorkers(provider, async () => {
      await watches.reportOutage('modal', { reason: 'refused' });
      const runId = async () => (await harness.client.workflow.getHandle(watchId).describe()).runId;
      const firstRun = await runId();
      await inTurns(jobs, 50, (id) => watches.park('modal', id));
      await waitUntil(async () => (await harness.health()).parkedJobs === jobs.length);
      // At its next probe.
      await waitUntil(async () => (await runId()) !== firstRun);

      provider.health = () => healthy;
      await waitUntil(() => Promise.resolve(provider.woken.length >= 1000));
      await waitUntil(() => Promise.resolve(provider.woken.length >= jobs.length));
      await waitUntil(async () => (await harness.health()).parkedJobs === 0);

      expect(provider.woken).toHaveLength(jobs.length);
      expect(new Set(provider.woken)).toEqual(new Set(jobs));
      expect(busiestSecond(wokenAt)).toBeLessThanOrEqual(200);
      expect(provider.states()).toEqual(['down', 'up']);
    });
  }, 180_000);
});

/** Most wake-ups within any one second. */
function busiestSecond(times: number[]): number {
  const counts = times.map((from) => times.filter((time) => time >= from && time < from + 1000).length);
  return Math.max(...counts);
}

async function inTurns<T>(items: T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += atOnce)
    await Promise.all(items.slice(start, start + atOnce).map(work));
}
