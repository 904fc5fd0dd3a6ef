import { EventEmitter, once } from 'node:events';
import { WorkflowFailedError } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { leaveSignalName, probeNowSignalName } from '../../src/domain/messages';
import { providerHealthAttribute } from '../../src/domain/search-attributes';
import type { ProviderWatchSummary } from '../../src/domain/provider-watch';
import { watchPolicyOf } from '../../src/registry/watch-policy';
import { startTemporalServer, type TemporalTestServer } from '../support/temporal';
import { waitUntil } from '../support/wait-until';
import { openWatchHarness, quickPolicy, watchId, type WatchHarness } from '../support/watch-harness';
import { healthy, silent, WatchedProvider } from '../support/watched-provider';

let server: TemporalTestServer;
let harness: WatchHarness;
beforeAll(async () => {
  server = await startTemporalServer();
  harness = await openWatchHarness(server);
});
afterAll(async () => {
  await harness.close();
  await server.stop();
});

let provider: WatchedProvider;
beforeEach(() => {
  provider = new WatchedProvider();
});
afterEach(async () => {
  await harness.client.workflow
    .getHandle(watchId)
    .terminate('end of the test')
    .catch(() => undefined);
});

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `job-${index + 1}`);
const parkAll = (workflowIds: string[]) =>
  Promise.all(workflowIds.map((workflowId) => harness.watches().park('modal', workflowId)));

describe('an outage', () => {
  it('is written down, asked about until the provider answers, and over for every job that waits', async () => {
    provider.health = () => (provider.probes > 2 ? healthy : silent);
    await harness.withWorkers(provider, async () => {
      await harness.watches().reportOutage('modal', { reason: 'the host refused the connection' });
      const jobs = await Promise.all(ids(15).map((id) => harness.startJob(`waits/${id}`, 3000)));

      for (const job of jobs) expect(await job.result()).toEqual([{ provider: 'modal' }]);
      expect(provider.states()).toEqual(['down', 'up']);
      expect(provider.records[0]).toMatchObject({ provider: 'modal', reason: silent.detail });
      expect(provider.woken).toHaveLength(15);
    });
  });

  it('of a pod is over for everyone that waits within ten seconds of its end, however long it was', async () => {
    const backAt = Date.now() + 16_000;
    provider.health = () => (Date.now() < backAt ? silent : healthy);
    await harness.withWorkers(provider, async () => {
      await harness.watches(watchPolicyOf('comfyui')).reportOutage('modal', { reason: 'refused' });
      const jobs = await Promise.all(ids(15).map((id) => harness.startJob(`pod/${id}`, 15_000)));
      await waitUntil(() => Promise.resolve(provider.woken.length === 15));
      expect(Date.now() - backAt).toBeLessThan(10_000);
      for (const job of jobs) await job.terminate('end of the test');
    });
  });

  it('shows in the Temporal UI why, since when, when it asks next and how many wait', async () => {
    provider.health = () => silent;
    await harness.withWorkers(provider, async () => {
      await harness.watches({ ...quickPolicy, probe: slowly }).reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(3));
      await waitUntil(async () => (await harness.health()).failedProbes === 1);

      const view = await harness.health();
      expect(view).toMatchObject({ state: 'down', parkedJobs: 3, reason: silent.detail });
      expect(Date.parse(view.nextProbeAt ?? '')).toBeGreaterThan(Date.parse(view.since));
      const handle = harness.client.workflow.getHandle(watchId);
      const description = await handle.describe();
      expect(description.typedSearchAttributes.get(providerHealthAttribute)).toBe('down');
      expect(await description.staticSummary()).toBe('health of modal');
      const { currentDetails } = await metadataOf(watchId);
      expect(currentDetails).toContain('**modal is down**');
      expect(currentDetails).toContain(silent.detail);
    });
  });

  it('is asked about at once when somebody wants to know, and over for those that wait', async () => {
    const never = { initialSeconds: 3600, backoffCoefficient: 1, maximumSeconds: 3600 };
    await harness.withWorkers(provider, async () => {
      await harness.watches({ ...quickPolicy, probe: never }).reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(2));
      await waitUntil(async () => (await harness.health()).nextProbeAt !== undefined);
      expect(provider.probes).toBe(0);
      await harness.client.workflow.getHandle(watchId).signal(probeNowSignalName);
      await waitUntil(() => Promise.resolve(provider.woken.length === 2));
    });
  });

  it('is only looked into where one app of several fails: nobody is held up while the provider answers', async () => {
    await harness.withWorkers(provider, async () => {
      await harness.watches().reportOutage('modal', { reason: 'unavailable', isDoubt: true });
      await waitUntil(async () => (await harness.health()).state === 'up');
      // Once it is up, the same doubt has it asked again.
      const { probes } = provider;
      await harness.watches().reportOutage('modal', { reason: 'unavailable', isDoubt: true });
      await waitUntil(() => Promise.resolve(provider.probes > probes));
      await waitUntil(async () => (await harness.health()).state === 'up');
      expect(provider.states()).not.toContain('down');
    });
  });

  it('lets nobody go before the database says that the provider is up', async () => {
    provider.health = () => (provider.probes > 1 ? healthy : silent);
    const database = new EventEmitter();
    const record = provider.record.bind(provider);
    let isHeld = false;
    provider.record = async (health) => {
      if (health.state === 'up' && !isHeld) {
        isHeld = true;
        const written = once(database, 'goes on');
        database.emit('stands still');
        await written;
      }
      await record(health);
    };
    await harness.withWorkers(provider, async () => {
      const standing = once(database, 'stands still');
      await harness.watches().reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(4));
      await standing;
      // All that the watch does now is to give the database half a minute.
      await waitUntil(async () => (await timerSeconds()).at(-1) === 30);
      expect(provider.woken).toEqual([]);
      database.emit('goes on');
      await waitUntil(() => Promise.resolve(provider.woken.length === 4));
      expect(provider.states()).toEqual(['down', 'up']);
    });
  });

  it('does not wait for a database that is away, not even at its end', async () => {
    const away = jest.spyOn(provider, 'record').mockRejectedValue(new Error('no database'));
    const watches = harness.watches({ ...quickPolicy, quietSeconds: 1 });
    await harness.withWorkers(provider, async () => {
      await watches.park('modal', 'job-1');
      await waitUntil(() => Promise.resolve(provider.woken.length === 1));
      // The quiet time is over, and only the database keeps the watch.
      await waitUntil(async () => (await seen('timerFiredEventAttributes')) > 0);
      await watches.park('modal', 'job-2');
      await waitUntil(() => Promise.resolve(provider.woken.length === 2));
      expect(away).toHaveBeenCalled();
    });
  });

  it('is over also for a job that could not be told at once', async () => {
    let refusals = 2;
    provider.onWake = (id) =>
      id === 'job-2' && refusals-- > 0 ? Promise.reject(new Error('Temporal is away')) : Promise.resolve();
    await harness.withWorkers(provider, async () => {
      await parkAll(ids(4));
      await waitUntil(() => Promise.resolve(provider.woken.length === 4));

      expect([...provider.woken].sort()).toEqual(ids(4));
    });
  });
});

describe('a job that waits', () => {
  it('does not make a provider that answers count as down, and goes on at once', async () => {
    await harness.withWorkers(provider, async () => {
      await (await harness.startJob('waits/alone')).result();

      expect(provider.probes).toBe(1);
      expect(provider.states()).toEqual(['up']);
    });
  });

  it('that comes while the provider is up goes on after one more question', async () => {
    await harness.withWorkers(provider, async () => {
      await (await harness.startJob('waits/first')).result();
      await (await harness.startJob('waits/second')).result();

      expect(provider.probes).toBe(2);
      expect(provider.woken).toEqual(['waits/first', 'waits/second']);
      expect((await harness.health()).reopenings).toBe(0);
    });
  });

  it('and asks twice is on the list once', async () => {
    provider.health = () => (provider.probes > 1 ? healthy : silent);
    await harness.withWorkers(provider, async () => {
      await parkAll(['job-1', 'job-1', 'job-2']);
      await waitUntil(() => Promise.resolve(provider.woken.length === 2));
      await waitUntil(async () => (await harness.health()).parkedJobs === 0);
      expect([...provider.woken].sort()).toEqual(['job-1', 'job-2']);
    });
  });

  it('and has ended meanwhile holds nobody up', async () => {
    provider.health = () => (provider.probes > 3 ? healthy : silent);
    await harness.withWorkers(provider, async () => {
      const gone = await harness.startJob('waits/gone');
      await waitUntil(async () => (await harness.health().catch(() => undefined))?.parkedJobs === 1);
      await gone.terminate('the user left');
      const stays = await harness.startJob('waits/stays');

      expect(await stays.result()).toHaveLength(1);
    });
  });

  it('beyond the longest list is counted and left to its own timer', async () => {
    provider.health = () => silent;
    await harness.withWorkers(provider, async () => {
      const watches = harness.watches({ ...quickPolicy, maxParked: 3 });
      for (const id of ids(5)) await watches.park('modal', id);

      expect(await harness.health()).toMatchObject({ parkedJobs: 3, unlistedJobs: 2 });
    });
  });
});

describe('the number of jobs that wait, as it is stored', () => {
  const rarely = {
    ...quickPolicy,
    probe: { initialSeconds: 3600, backoffCoefficient: 1, maximumSeconds: 3600 },
  };
  const stored = (count: number) => waitUntil(() => Promise.resolve(provider.parkedJobs === count));

  it('follows the jobs that come and go between two probes, in few writes', async () => {
    await harness.withWorkers(provider, async () => {
      const watches = harness.watches(rarely);
      await watches.reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(50));
      await stored(50);
      expect(provider.probes).toBe(0);
      const writes = provider.records.length;
      expect(writes).toBeLessThan(10);

      await watches.park('modal', 'job-1');
      await watches.park('modal', 'job-51');
      await stored(51);
      // The job that was on the list already is no reason to write.
      expect(provider.records).toHaveLength(writes + 1);

      for (const workflowId of ['job-2', 'never-came'])
        await harness.client.workflow.getHandle(watchId).signal(leaveSignalName, { workflowId });
      await stored(50);
      expect(provider.records).toHaveLength(writes + 2);

      await harness.client.workflow.getHandle(watchId).signal(probeNowSignalName);
      await waitUntil(() => Promise.resolve(provider.woken.length === 50));
      await stored(0);
      expect(provider.woken).not.toContain('job-2');
    });
  });

  it('is told while the provider is only doubted, and says nothing of its state then', async () => {
    const asked = new EventEmitter();
    await harness.withWorkers(provider, async () => {
      await (await harness.startJob('waits/first')).result();
      await stored(0);
      const probing = once(asked, 'asked');
      provider.health = async () => {
        const answered = once(asked, 'answer');
        asked.emit('asked');
        await answered;
        return healthy;
      };
      await harness.watches().park('modal', 'job-1');
      await probing;
      await stored(1);
      expect(provider.states()).toEqual(['up']);
      asked.emit('answer');
      await stored(0);
    });
  });

  it('is 0 when the watch was cancelled', async () => {
    provider.health = () => silent;
    await harness.withWorkers(provider, async () => {
      await harness.watches(rarely).reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(5));
      await stored(5);
      await harness.client.workflow.getHandle(watchId).cancel();
      await stored(0);
    });
  });
});

describe('canaries', () => {
  it('go first; the others stay when a new outage is reported meanwhile', async () => {
    provider.health = () => (provider.probes === 2 || provider.probes > 4 ? healthy : silent);
    const wokenAtProbe: number[] = [];
    provider.onWake = async () => {
      wokenAtProbe.push(provider.probes);
      if (wokenAtProbe.length === 2)
        await harness.watches().reportOutage('modal', { reason: 'calls still fail' });
    };
    await harness.withWorkers(provider, async () => {
      await harness.watches().reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(12));
      await waitUntil(() => Promise.resolve(provider.woken.length === 12));

      expect(wokenAtProbe.slice(0, 2)).toEqual([2, 2]);
      expect(Math.min(...wokenAtProbe.slice(2))).toBe(5);
      expect(provider.states()).toEqual(['down', 'up', 'down', 'up']);
      expect(new Set(provider.woken).size).toBe(12);
    });
  });

  it('that come back stop the others, too, but do not make the provider count as down', async () => {
    const returned = new Set<string>();
    provider.onWake = async (workflowId) => {
      if (returned.size > 0) return;
      returned.add(workflowId);
      await harness.watches().park('modal', workflowId);
    };
    await harness.withWorkers(provider, async () => {
      await parkAll(ids(6));
      await waitUntil(() => Promise.resolve(provider.woken.length === 7));

      expect(provider.probes).toBeGreaterThanOrEqual(2);
      expect(provider.states()).toEqual(['up']);
      expect((await harness.health()).reopenings).toBe(1);
      expect(provider.woken.filter((id) => returned.has(id))).toHaveLength(2);
    });
  });
});

describe('the end of a watch', () => {
  const short = { ...quickPolicy, quietSeconds: 1 };

  it('comes by itself after a quiet time, and the next outage begins a new one', async () => {
    await harness.withWorkers(provider, async () => {
      await harness.watches(short).park('modal', 'job-1');
      const result = await harness.client.workflow.result<() => Promise<ProviderWatchSummary>>(watchId);
      expect(result).toMatchObject({ provider: 'modal', wokenJobs: 1 });

      provider.health = () => silent;
      await harness.watches(short).reportOutage('modal', { reason: 'refused' });
      expect(await harness.health()).toMatchObject({ state: 'down', parkedJobs: 0 });
    });
  });

  it('does not lose a job that comes to wait in that very moment', async () => {
    const gate = new EventEmitter();
    let held = 0;
    // The summary is the last thing a watch writes: a job that comes while it is on its way finds the watch decided.
    const codec: PayloadCodec = {
      encode: async (payloads) => {
        const isSummary = payloads.some(({ data }) => Buffer.from(data ?? []).includes('"upSince"'));
        if (isSummary && held === 0) {
          held += 1;
          gate.emit('ending');
          await once(gate, 'go on');
        }
        return payloads;
      },
      decode: (payloads) => Promise.resolve(payloads),
    };
    const scenario = async (): Promise<void> => {
      const ending = once(gate, 'ending');
      await harness.watches(short).park('modal', 'early');
      await ending;
      await harness.watches(short).park('modal', 'late');
      gate.emit('go on');
      await harness.client.workflow.result<() => Promise<ProviderWatchSummary>>(watchId);

      expect(provider.woken).toEqual(['early', 'late']);
      // The server refused to end the run over the unread message: this test was on time.
      expect(await seen('workflowTaskFailedEventAttributes')).toBe(1);
    };
    await harness.withWorkers(provider, scenario, { codec });
  });

  it('by cancellation wakes everyone and leaves the provider up', async () => {
    provider.health = () => silent;
    await harness.withWorkers(provider, async () => {
      await harness.watches({ ...quickPolicy, probe: slowly }).reportOutage('modal', { reason: 'refused' });
      await parkAll(ids(25));
      const handle = harness.client.workflow.getHandle(watchId);
      await waitUntil(() => Promise.resolve(provider.probes > 0));
      await handle.cancel();

      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
      expect(new Set(provider.woken).size).toBe(25);
      expect(provider.states()).toEqual(['down', 'up']);
    });
  });

  it('by termination is mended by the next report', async () => {
    provider.health = () => silent;
    await harness.withWorkers(provider, async () => {
      await harness.watches().reportOutage('modal', { reason: 'refused' });
      await waitUntil(() => Promise.resolve(provider.probes > 0));
      await harness.client.workflow.getHandle(watchId).terminate('by hand');
      provider.health = () => healthy;
      await harness.watches().reportOutage('modal', { reason: 'refused again' });
      await waitUntil(() => Promise.resolve(provider.states().at(-1) === 'up'));
    });
  });
});

const slowly = { initialSeconds: 1, backoffCoefficient: 300, maximumSeconds: 300 };

/** The lengths of the timers the watch has started, in order. */
async function timerSeconds(): Promise<number[]> {
  const { events } = await harness.client.workflow.getHandle(watchId).fetchHistory();
  return (events ?? [])
    .map((event) => event.timerStartedEventAttributes?.startToFireTimeout?.seconds)
    .filter((seconds) => seconds != null)
    .map(Number);
}

/** How many events of this kind the watch's history holds. */
async function seen(kind: keyof temporal.api.history.v1.IHistoryEvent): Promise<number> {
  const { events } = await harness.client.workflow.getHandle(watchId).fetchHistory();
  return (events ?? []).filter((event) => event[kind] != null).length;
}

async function metadataOf(workflowId: string): Promise<{ currentDetails: string }> {
  const handle = harness.client.workflow.getHandle(workflowId);
  return await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
}
