import type { WorkflowHandle } from '@temporalio/client';
import type { GenerationState, SlotState } from '../../src/domain/generation';
import { providerUpSignalName, providerWatchId, retryNowUpdateName } from '../../src/domain/messages';
import type { ProviderWatchView } from '../../src/domain/provider-watch';
import { healthQueryName } from '../../src/domain/provider-watch';
import { generationTaskQueue } from '../../src/domain/task-queues';
import {
  failing,
  FakeProvider,
  hanging,
  inTurn,
  lostByWorker,
  picture,
  type Answer,
} from '../support/fake-provider';
import { fluxLora, studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();

const ok: Answer = (job) => Promise.resolve(picture(job));
/** Its watch finds that it does not answer. */
function silent(name: 'modal' | 'fal'): FakeProvider {
  const provider = new FakeProvider(name, ok);
  provider.isHealthy = false;
  return provider;
}

/** Has one candidate only. */
const request = () => studio({ useLora: true }, { lora: fluxLora });

const watchOf = (provider: 'modal' | 'fal') =>
  harness.client.workflow.getHandle(providerWatchId(generationTaskQueue, provider));

afterEach(async () => {
  for (const provider of ['modal', 'fal'] as const) {
    await watchOf(provider)
      .terminate('end of the test')
      .catch(() => undefined);
  }
});

const healthOf = (provider: 'modal' | 'fal') => watchOf(provider).query<ProviderWatchView>(healthQueryName);

const progress = (handle: WorkflowHandle) => handle.query<GenerationState>('progress');

async function untilWaiting(handle: WorkflowHandle): Promise<GenerationState> {
  let state: GenerationState | undefined;
  await waitUntil(async () => {
    state = await progress(handle);
    return state.slots[0]?.status === 'waiting';
  });
  return state!;
}

describe('a job whose provider is known to be down', () => {
  const since = '2026-01-02T03:04:05.678Z';

  it('sends nothing, leaves its address with the watch, and goes on as soon as it is woken', async () => {
    harness.surroundings.downSince = () => since;
    const modal = silent('modal');
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(request());
      const { slots } = await untilWaiting(handle);

      expect(slots[0]?.waiting?.watched).toEqual(['modal']);
      expect(slots[0]?.waiting?.reason).toContain(since);
      // A net for the day on which no watch wakes it.
      const netSeconds = (Date.parse(slots[0]!.waiting!.nextTryAt) - Date.now()) / 1000;
      expect(netSeconds).toBeGreaterThan(500);
      await waitUntil(
        // The slot says that it waits a moment before its watch is there.
        async () => ((await healthOf('modal').catch(() => undefined))?.parkedJobs ?? 0) > 0,
      );
      expect(modal.jobs).toEqual([]);

      harness.resetSurroundings();
      await handle.signal(providerUpSignalName, { provider: 'modal' });

      expect((await handle.result()).status).toBe('completed');
      expect(modal.jobs).toHaveLength(1);
    });
  });

  it('waits for the provider that has its job instead of paying another one', async () => {
    const modal = silent('modal');
    const fal = new FakeProvider('fal');
    modal.answer = async (job, call, context) => {
      if (call === 3) return picture(job);
      if (call === 2) return await failing('provider_down')(job, call, context);
      await context.dispatch.intent();
      await context.dispatch.accepted({ request: 'r-1' });
      const away = { outcome: 'unreachable' } as const;
      return await failing('connection_lost', away)(job, call, context);
    };
    await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio());
      const { slots } = await untilWaiting(handle);
      expect(slots[0]?.waiting?.watched).toEqual(['modal']);
      // Fal is well, but has no say in this until the grace time is over.
      let seconds = 0;
      await waitUntil(async () => {
        const [slot] = (await progress(handle)).slots;
        seconds = (Date.parse(slot?.waiting?.nextTryAt ?? '') - Date.now()) / 1000;
        return seconds > 100;
      });
      expect(seconds).toBeLessThanOrEqual(151);

      await handle.signal(providerUpSignalName, { provider: 'modal' });

      const state = await handle.result();
      expect(state.slots[0]).toMatchObject({ status: 'completed', provider: 'modal', atRiskUsd: 0 });
      expect(new Set(modal.jobs.map(({ jobKey }) => jobKey)).size).toBe(1);
      expect(fal.jobs).toEqual([]);
    });
  });

  it('ends at its deadline with a typed failure, and has paid nothing', async () => {
    harness.surroundings.downSince = () => since;
    const modal = silent('modal');
    const job = request();
    // 60 s is the least the API takes.
    job.request.deadlineSeconds = 3;

    const { status, slots } = await harness.withProviders([modal], async () => {
      const handle = await harness.start(job);
      return await handle.result();
    });

    expect(status).toBe('failed');
    expect(slots[0]?.error).toMatchObject({ code: 'deadline_exceeded', provider: 'modal' });
    expect(modal.jobs).toEqual([]);
  });

  it('leaves the list of the watch when it is cancelled', async () => {
    harness.surroundings.downSince = () => since;
    const listed = (count: number) =>
      waitUntil(async () => (await healthOf('modal').catch(() => ({ parkedJobs: -1 }))).parkedJobs === count);
    await harness.withProviders([silent('modal')], async () => {
      const first = await harness.start(request());
      const second = await harness.start(request());
      await listed(2);
      await first.cancel();
      await listed(1);
      await second.cancel();
      await listed(0);
      await Promise.allSettled([first.result(), second.result()]);
    });
  });

  it('is not woken by the word on another provider', async () => {
    harness.surroundings.downSince = () => since;
    await harness.withProviders([silent('modal')], async () => {
      const handle = await harness.start(request());
      await untilWaiting(handle);
      harness.resetSurroundings();
      await handle.signal(providerUpSignalName, { provider: 'fal' });

      expect((await progress(handle)).slots[0]?.status).toBe('waiting');
      await handle.executeUpdate(retryNowUpdateName);
      expect((await handle.result()).status).toBe('completed');
    });
  });
});

describe('a job whose provider cannot be reached, although no breaker has opened yet', () => {
  it('leaves its address with the watch, and asks again by itself meanwhile', async () => {
    const modal = silent('modal');
    modal.answer = failing('connection_refused');
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(request());
      await untilWaiting(handle);
      await waitUntil(async () => ((await healthOf('modal').catch(() => undefined))?.parkedJobs ?? 0) > 0);
      const { slots } = await untilWaiting(handle);
      expect(slots[0]?.waiting?.watched).toEqual(['modal']);
      expect((Date.parse(slots[0]!.waiting!.nextTryAt) - Date.now()) / 1000).toBeLessThan(10);

      modal.answer = ok;

      expect((await handle.result()).status).toBe('completed');
    });
  });

  it('is not sent to a watch by a failure after which a job may be there', async () => {
    const modal = new FakeProvider(
      'modal',
      inTurn(failing('connection_failed', { outcome: 'unreachable' }), hanging),
    );
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(request());
      const { slots } = await untilWaiting(handle);
      expect(slots[0]?.waiting?.watched).toEqual([]);
      await handle.terminate('end of the test');
    });
  });
});

describe('a job whose provider lets a gateway answer for it', () => {
  const gateway = (provider: 'modal' | 'fal') =>
    failing('bad_gateway', { provider, outcome: 'nobody_knows', status: 502 });

  it.each([
    // Its watch would ask another app of Modal.
    ['modal', request(), []],
    ['fal', studio({ modelProvider: 'fal', strict: true }), ['fal']],
  ] as const)(
    'submits once, then only asks whether the provider is well, and goes on when it is: %s',
    async (name, flowRequest, watched) => {
      const provider = silent(name);
      provider.answer = gateway(name);
      await harness.withProviders([provider], async () => {
        const handle = await harness.start(flowRequest);
        let slot: SlotState | undefined;
        await waitUntil(async () => {
          slot = (await progress(handle)).slots[0];
          return slot?.status === 'waiting' && slot.attempts.at(-1)?.errorCode === 'provider_unwell';
        });
        const codes = slot?.attempts.map(({ errorCode }) => errorCode);
        expect(codes?.slice(0, 2)).toEqual(['bad_gateway', 'provider_unwell']);
        expect(slot?.waiting?.reason).toContain('nothing was sent');
        expect(slot?.waiting?.watched).toEqual(watched);
        expect(provider.jobs).toHaveLength(1);

        provider.answer = ok;
        provider.isHealthy = true;

        expect(await handle.result()).toMatchObject({ status: 'completed' });
        expect(provider.jobs).toHaveLength(2);
      });
    },
  );

  it('submits once a round, to each provider in turn, and is ended after six submits that may all have been paid', async () => {
    const modal = new FakeProvider('modal', gateway('modal'));
    const fal = new FakeProvider('fal', gateway('fal'));
    await harness.withProviders([modal, fal], async () => {
      const { slots } = await (await harness.start(studio())).result();

      expect(slots[0]?.error).toMatchObject({ code: 'paid_attempt_limit', provider: 'modal' });
      const providers = slots[0]?.attempts.map(({ provider }) => provider);
      expect(providers).toEqual(['modal', 'fal', 'modal', 'fal', 'modal', 'fal']);
      expect([modal.healthChecks, fal.healthChecks]).toEqual([2, 3]);
      expect(slots[0]?.atRiskUsd).toBeGreaterThan(0.1);
    });
  }, 90_000);

  it('is sent to the next provider at once, also where the first one asks for a long pause', async () => {
    const pause = { outcome: 'nobody_knows', status: 503, retryAfterMs: 60_000 } as const;
    const modal = new FakeProvider('modal', failing('unavailable', pause));
    const fal = new FakeProvider('fal', ok);
    await harness.withProviders([modal, fal], async () => {
      const { slots } = await (await harness.start(studio())).result();

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
      expect(slots[0]?.attempts).toHaveLength(2);
    });
  });

  it('is tried again at once when a person urges it, and the provider is well', async () => {
    const modal = new FakeProvider('modal', inTurn(gateway('modal'), gateway('modal'), gateway('modal'), ok));
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(request());
      await waitUntil(async () => {
        const slot = (await progress(handle)).slots[0];
        return slot?.status === 'waiting' && slot.attempts.length === 3;
      });
      const { slots } = await progress(handle);
      expect((Date.parse(slots[0]!.waiting!.nextTryAt) - Date.now()) / 1000).toBeGreaterThan(8);
      await handle.executeUpdate(retryNowUpdateName);

      const { attempts } = (await handle.result()).slots[0]!;
      const [third, last] = attempts.slice(-2).map(({ startedAt }) => Date.parse(startedAt));
      expect(last! - third!).toBeLessThan(8000);
    });
  });

  it('is ended by the sixth such submit also where that one was lost', async () => {
    const modal = new FakeProvider('modal', gateway('modal'));
    const fal = new FakeProvider('fal', (job, call, context) =>
      (call < 3 ? gateway('fal') : lostByWorker)(job, call, context),
    );
    await harness.withProviders([modal, fal], async () => {
      const { slots } = await (await harness.start(studio())).result();

      expect(slots[0]?.error).toMatchObject({ code: 'paid_attempt_limit' });
      expect(modal.jobs).toHaveLength(3);
    });
  }, 90_000);
});

describe('retry-now', () => {
  it('ends the wait, also one that a provider asked for, and says which slots it woke', async () => {
    const modal = new FakeProvider('modal', inTurn(failing('capacity', { retryAfterMs: 600_000 }), ok));
    await harness.withProviders([modal], async () => {
      const handle: WorkflowHandle = await harness.start(request());
      const { slots } = await untilWaiting(handle);
      const seconds = (Date.parse(slots[0]!.waiting!.nextTryAt) - Date.now()) / 1000;
      expect(seconds).toBeGreaterThan(500);

      expect(await handle.executeUpdate(retryNowUpdateName)).toEqual({ slots: [1] });

      expect((await handle.result()) as GenerationState).toMatchObject({ status: 'completed' });
      expect(modal.jobs).toHaveLength(2);
    });
  });

  it('is refused when nothing waits', async () => {
    await harness.withProviders([new FakeProvider('modal', ok)], async () => {
      const handle: WorkflowHandle = await harness.start(request());
      await handle.result();
      await expect(handle.executeUpdate(retryNowUpdateName)).rejects.toThrow();
    });
  });
});

describe('a provider that cannot be asked', () => {
  const outThenBack = () => new FakeProvider('fal', inTurn(failing('outage'), failing('outage'), ok));

  it('does not hold up the others: one asked to be left alone for long, one fails for a moment', async () => {
    const modal = new FakeProvider('modal', failing('capacity', { retryAfterMs: 600_000 }));

    const state = await harness.withProviders([modal, outThenBack()], async () => {
      const handle = await harness.start(studio({ count: 2 }));
      return await handle.result();
    });

    // Once for each slot in the first round; in the later rounds only Fal is asked.
    expect(state.status).toBe('completed');
    expect(modal.jobs.length).toBeLessThanOrEqual(2);
    expect(state.slots.every(({ provider }) => provider === 'fal')).toBe(true);
  });

  it('does not hold up the others: one is known to be down, one fails for a moment', async () => {
    harness.surroundings.downSince = (provider) =>
      provider === 'modal' ? '2026-01-02T03:04:05.678Z' : undefined;

    const state = await harness.withProviders([silent('modal'), outThenBack()], async () => {
      const handle = await harness.start(studio());
      return await handle.result();
    });

    expect(state.slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
  });
});

describe('what the Temporal UI says of a wait', () => {
  it('names the reason, since when, until when, the watch and the deadline', async () => {
    harness.surroundings.downSince = () => '2026-01-02T03:04:05.678Z';
    await harness.withProviders([silent('modal')], async () => {
      const handle = await harness.start(request());
      const { slots, deadlineAt } = await untilWaiting(handle);
      const { currentDetails } = await handle.query<{ currentDetails: string }>(
        '__temporal_workflow_metadata',
      );

      const { since, nextTryAt } = slots[0]!.waiting!;
      expect(currentDetails).toContain(`until ${deadlineAt}`);
      expect(currentDetails).toContain(
        `waiting since ${since}, until ${nextTryAt}, or when the provider-watch of modal says so: modal is known to be down`,
      );
      await handle.terminate('end of the test');
    });
  });
});
