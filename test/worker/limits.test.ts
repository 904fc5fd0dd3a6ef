import { once, EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { FakeProvider, picture } from '../support/fake-provider';
import { baseImages, studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();

const only = (fields: object) => studio({ modelProvider: 'modal', strict: true, ...fields });

describe('the limits of a provider', () => {
  it('keep its calls in flight to the number set, whatever waits', async () => {
    let inFlight = 0;
    let most = 0;
    const modal = new FakeProvider('modal', async (job) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await delay(100);
      inFlight -= 1;
      return picture(job);
    });

    await harness.withProviders(
      [modal],
      async () => {
        const run = await harness.start(only({ count: 9 }));
        expect((await run.result()).status).toBe('completed');
      },
      { concurrency: { modal: 3, fal: 1, comfyui: 1 } },
    );

    expect(modal.jobs).toHaveLength(9);
    expect(most).toBe(3);
  });

  it('keep the calls started per second to the rate set', async () => {
    const startedAt: number[] = [];
    const modal = new FakeProvider('modal', (job) => {
      startedAt.push(Date.now());
      return Promise.resolve(picture(job));
    });

    await harness.withProviders(
      [modal],
      async () => {
        const run = await harness.start(only({ count: 10 }));
        expect((await run.result()).status).toBe('completed');
      },
      { maxCallsPerSecond: { modal: 2 } },
    );

    const seconds = (startedAt.at(-1)! - startedAt[0]!) / 1000;
    // Ten calls at two a second; the server lets a small burst go at the beginning.
    expect(seconds).toBeGreaterThan(2.5);
    expect(startedAt).toHaveLength(10);
  });
});

describe('work that waits for the same provider', () => {
  /** Who was served, in order, by one call at a time. */
  async function served(start: () => Promise<{ result(): Promise<unknown> }[]>): Promise<string[]> {
    const order: string[] = [];
    const fal = new FakeProvider('modal', async (job) => {
      await delay(60);
      order.push(JSON.stringify(job.parameters).includes('flood') ? 'flood' : 'other');
      return picture(job);
    });
    await harness.withProviders(
      [fal],
      async () => {
        const runs = await start();
        await Promise.all(runs.map((run) => run.result()));
      },
      { concurrency: { modal: 1, fal: 1, comfyui: 1 } },
    );
    return order;
  }

  it('is shared out between callers, so one who floods delays another little', async () => {
    const order = await served(async () => {
      const flood = [1, 2, 3, 4].map((seed) =>
        harness.start(only({ prompt: 'flood', count: 10, seed }), { caller: 'flooder' }),
      );
      const runs = await Promise.all(flood);
      await delay(1_500);
      return [...runs, await harness.start(only({ prompt: 'one of a few', count: 6 }), { caller: 'small' })];
    });

    const places = order.flatMap((who, index) => (who === 'other' ? [index] : []));
    expect(order).toHaveLength(46);
    // In turns: at most about every second place once the small caller came. Without fairness they are the last six.
    expect(places.at(-1)! - places[0]!).toBeLessThanOrEqual(14);
    expect(places.at(-1)).toBeLessThan(40);
  });

  it('goes to the studio first, however many pictures of sets came before', async () => {
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    const order: string[] = [];
    const modal = new FakeProvider('modal', async (job) => {
      order.push(JSON.stringify(job.parameters).includes('in a cafe') ? 'studio' : 'set');
      // The first call holds the only place until all others wait for it.
      await opened;
      return picture(job);
    });
    await harness.withProviders(
      [modal, new FakeProvider('fal')],
      async () => {
        const sets = await Promise.all([1, 2, 3, 4].map((seed) => harness.start(baseImages({ seed }))));
        const single = await untilModalCalls(sets, 8)
          .then(() => harness.start(only({ prompt: 'in a cafe' })))
          .finally(() => setTimeout(() => gate.emit('open'), 2_000));
        await Promise.all([...sets, single].map((run) => run.result()));

        const { priority } = await single.describe();
        expect(priority).toMatchObject({ priorityKey: 2, fairnessKey: 'default' });
      },
      { concurrency: { modal: 1, fal: 50, comfyui: 1 } },
    );

    expect(order).toEqual(['set', 'studio', ...Array.from({ length: 7 }, () => 'set')]);
  });

  async function untilModalCalls(
    runs: readonly Awaited<ReturnType<typeof harness.start>>[],
    count: number,
  ): Promise<void> {
    await waitUntil(async () => {
      const descriptions = await Promise.all(runs.map((run) => run.describe()));
      const calls = descriptions
        .flatMap(({ raw }) => raw.pendingActivities ?? [])
        .filter(({ activityType }) => activityType?.name === 'generateMedia');
      return calls.length === count;
    });
  }
});
