import { EventEmitter, once } from 'node:events';
import type { GenerationState } from '../../src/domain/generation';
import type { Stopped } from '../../src/providers/types';
import {
  failing,
  FakeProvider,
  hanging,
  inTurn,
  lost,
  lostByWorker,
  picture,
  type Answer,
} from '../support/fake-provider';
import { face, profilePictures, studio } from '../support/flow-requests';
import { decideSlotUpdateName } from '../../src/domain/messages';
import type { GenerationHarness } from '../support/generation-harness';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

/** The harness calls every call slow that takes longer than a second. */
const harness = useHarness();

const ok: Answer = (job) => Promise.resolve(picture(job, 0.02));

async function run(providers: FakeProvider[], request: Parameters<GenerationHarness['start']>[0]) {
  return await harness.withProviders(providers, async () => {
    const handle = await harness.start(request);
    return (await handle.result()) satisfies GenerationState;
  });
}

/** Accepted, and then as slow as a container that has yet to start. */
const coldStart: Answer = async (job, call, context) => {
  await context.dispatch.intent();
  await context.dispatch.accepted({ call: 1 }, 'call-1');
  return await hanging(job, call, context);
};

/** Succeeds once told to. */
function onWord(): { answer: Answer; asked: Promise<unknown>; speak: () => void } {
  const word = new EventEmitter();
  const asked = once(word, 'asked');
  const answer: Answer = async (job) => {
    const spoken = once(word, 'now');
    word.emit('asked');
    await spoken;
    return picture(job, 0.03);
  };
  return { answer, asked, speak: () => word.emit('now') };
}

describe('a job that hedges', () => {
  it.each<[string, Stopped]>([
    ['cannot be stopped', { kind: 'unstoppable', handle: { call: 1 } }],
    ['is merely told to stop', { kind: 'stopped', charge: 'price', handle: { call: 1 } }],
  ])(
    'asks the next provider once a call is slow, keeps its picture, and that of the slow one, which %s, as an extra',
    async (_case, stopped) => {
      const modal = new FakeProvider('modal', (job, call, context) =>
        call === 1 ? coldStart(job, call, context) : Promise.resolve(picture(job, 0.031)),
      );
      modal.answerToStop = stopped;
      const fal = new FakeProvider('fal', ok);

      const { status, slots, extras } = await run([modal, fal], studio({ hedge: true }));

      const [slot] = slots;
      expect(status).toBe('completed');
      expect(slot).toMatchObject({
        provider: 'fal',
        endpoint: 'fal-ai/flux/dev',
        costUsd: 0.051,
        atRiskUsd: 0,
      });
      expect(extras).toMatchObject([{ provider: 'modal', costUsd: 0.031 }]);
      expect(slot?.racing).toBeUndefined();
      expect(slot?.attempts).toMatchObject([
        { number: 1, provider: 'fal', outcome: 'succeeded', costUsd: 0.02 },
        {
          number: 2,
          provider: 'modal',
          outcome: 'cancelled',
          certainty: 'accepted',
          costUsd: 0.031,
          costEstimated: false,
          providerRequestId: 'call-1',
          message: 'Stopped: another provider was faster.',
        },
      ]);
      // The second time it was only collected.
      expect(modal.jobs.map(({ jobKey }) => jobKey)).toEqual([modal.jobs[0]?.jobKey, modal.jobs[0]?.jobKey]);
      expect(fal.jobs).toHaveLength(1);
    },
  );

  it('keeps the picture of the slow one when that comes first after all', async () => {
    const slow = onWord();
    const modal = new FakeProvider('modal', slow.answer);
    const fal = new FakeProvider('fal', async (job, call, context) => {
      slow.speak();
      return await hanging(job, call, context);
    });

    const { slots } = await run([modal, fal], studio({ hedge: true }));

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal', costUsd: 0.03, atRiskUsd: 0 });
    expect(slots[0]?.attempts).toMatchObject([
      { provider: 'modal', outcome: 'succeeded' },
      { provider: 'fal', outcome: 'cancelled', certainty: 'not_sent' },
    ]);
  });

  it('asks nobody else while no call is slow, and never when it was not told to hedge', async () => {
    const fal = new FakeProvider('fal', ok);
    await run([new FakeProvider('modal', ok), fal], studio({ hedge: true }));
    expect(fal.jobs).toEqual([]);

    const slow = onWord();
    const later: Answer = (job, call, context) => {
      setTimeout(slow.speak, 1500);
      return slow.answer(job, call, context);
    };
    const { slots } = await run([new FakeProvider('modal', later), fal], studio());
    expect(slots[0]?.provider).toBe('modal');
    expect(fal.jobs).toEqual([]);
  });

  it('shows the race while it goes on', async () => {
    const slow = onWord();
    const modal = new FakeProvider('modal', coldStart);
    modal.chargeOfStop = 'none';
    const fal = new FakeProvider('fal', slow.answer);

    await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio({ hedge: true }));
      await slow.asked;
      const during = await handle.query<GenerationState>('progress');
      expect(during.slots[0]).toMatchObject({
        status: 'running',
        provider: 'modal',
        racing: { provider: 'fal', endpoint: 'fal-ai/flux/dev' },
      });
      slow.speak();
      await handle.result();
    });
  });

  it('goes on with the slow one alone when the second one fails', async () => {
    const slow = onWord();
    const modal = new FakeProvider('modal', slow.answer);
    const fal = new FakeProvider('fal', (job, call, context) => {
      slow.speak();
      return failing('outage')(job, call, context);
    });

    const { slots } = await run([modal, fal], studio({ hedge: true }));

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(fal.jobs).toHaveLength(1);
  });

  it('no longer shows a race when the second call has ended, and asks the other one again later', async () => {
    const slow = new EventEmitter();
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (call > 1) return await hanging(job, call, context);
      await once(slow, 'now');
      return await failing('generation_failed', { outcome: 'ended_billed' })(job, call, context);
    });
    const fal = new FakeProvider('fal', inTurn(failing('connection_refused'), ok));

    await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio({ hedge: true }));
      const slot = async () => (await handle.query<GenerationState>('progress')).slots[0];
      await waitUntil(async () => fal.jobs.length === 1 && (await slot())?.racing === undefined);
      slow.emit('now');

      const { slots } = await handle.result();

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
      expect([modal.jobs.length, fal.jobs.length]).toEqual([2, 2]);
    });
  });

  describe('whose second submit is lost while the other provider has a job of it', () => {
    /** Loses the first submit at once, and the second one when the other provider was asked. */
    const losing = (rivalAsked: Promise<unknown>): Answer => {
      return async (job, call, context) => {
        const isSecond = job.jobKey.endsWith('/2');
        if (!isSecond) return await lostByWorker(job, call, context);
        if (context.dispatch.previous.phase === 'none') await rivalAsked;
        return await lost(job, call, context);
      };
    };

    function rival(collect: Answer): { fal: FakeProvider; asked: Promise<unknown> } {
      const word = new EventEmitter();
      const fal = new FakeProvider('fal', async (job, call, context) => {
        if (context.dispatch.previous.phase === 'accepted') return await collect(job, call, context);
        await context.dispatch.intent();
        await context.dispatch.accepted({ request: 'r-1' });
        word.emit('asked');
        const away = { provider: 'fal', outcome: 'unreachable' } as const;
        return await failing('connection_lost', away)(job, call, context);
      });
      return { fal, asked: once(word, 'asked') };
    }

    it('gives the picture of that job', async () => {
      const { fal, asked } = rival(ok);
      const modal = new FakeProvider('modal', losing(asked));

      const { slots } = await run([modal, fal], studio({ hedge: true }));

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal', atRiskUsd: 2 * 0.020054 });
    });

    it('goes on to the sixth submit in all when that job fails', async () => {
      const broken = { provider: 'fal', outcome: 'ended_billed' } as const;
      const { fal, asked } = rival(failing('generation_failed', broken));
      const modal = new FakeProvider('modal', losing(asked));

      const { slots } = await run([modal, fal], studio({ hedge: true }));

      expect(slots[0]?.error?.code).toBe('paid_attempt_limit');
      const keys = [...modal.jobs, ...fal.jobs].map(({ jobKey }) => jobKey);
      expect(new Set(keys).size).toBe(6);
    });
  });

  it('makes the second call the only one when the slow one fails', async () => {
    const slow = onWord();
    const failed = new EventEmitter();
    const modal = new FakeProvider('modal', async (job, call, context) => {
      await once(failed, 'now');
      return await failing('outage')(job, call, context);
    });
    const fal = new FakeProvider('fal', (job, call, context) => {
      failed.emit('now');
      setTimeout(slow.speak, 500);
      return slow.answer(job, call, context);
    });

    const { slots } = await run([modal, fal], studio({ hedge: true }));

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
    expect([modal.jobs.length, fal.jobs.length]).toEqual([1, 1]);
  });

  it('ends with a refusal of either provider, and stops the other', async () => {
    const modal = new FakeProvider('modal', coldStart);
    modal.chargeOfStop = 'none';
    const fal = new FakeProvider('fal', failing('policy', { outcome: 'ended_free' }));

    const { status, slots } = await run([modal, fal], studio({ hedge: true }));

    expect(status).toBe('failed');
    expect(slots[0]?.error).toMatchObject({ code: 'policy', provider: 'fal' });
    expect(slots[0]?.attempts).toMatchObject([
      { provider: 'fal', outcome: 'failed' },
      { provider: 'modal', outcome: 'cancelled', costUsd: 0 },
    ]);
  });

  it('asks no second provider beyond what the job may cost', async () => {
    const slow = onWord();
    const modal = new FakeProvider('modal', (job, call, context) => {
      setTimeout(slow.speak, 2000);
      return slow.answer(job, call, context);
    });
    const fal = new FakeProvider('fal', ok);

    // Enough for the dearest candidate, not for two.
    const { slots } = await run([modal, fal], studio({ hedge: true, maxCostUsd: 0.03 }));

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(fal.jobs).toEqual([]);
  });

  it('never races on a provider that would drop the face, or that takes no NSFW', async () => {
    const slow = onWord();
    const late: Answer = (job, call, context) => {
      setTimeout(slow.speak, 2000);
      return slow.answer(job, call, context);
    };
    const fal = new FakeProvider('fal', ok);
    const assets = { reference: face };
    const adult = studio(
      { hedge: true, nsfw: true, referenceImageUrl: `/v1/assets/${face.assetId}` },
      { assets },
    );

    const { slots } = await run([new FakeProvider('modal', late), fal], adult);
    await run([new FakeProvider('modal', ok), fal], profilePictures({ hedge: true }));

    expect(slots[0]?.provider).toBe('modal');
    expect(fal.jobs).toEqual([]);
  });

  it('puts a doubt before a person, with hold, whatever became of the other call', async () => {
    const failed = new EventEmitter();
    const modal = new FakeProvider('modal', async (job, call, context) => {
      await once(failed, 'now');
      return await failing('outage')(job, call, context);
    });
    const fal = new FakeProvider('fal', async (job, call, context) => {
      await context.dispatch.intent();
      setTimeout(() => failed.emit('now'), 300);
      const gateway = failing('bad_gateway', { outcome: 'nobody_knows', status: 502 });
      return await gateway(job, call, context);
    });
    await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio({ hedge: true, unknownOutcome: 'hold' }));
      await waitUntil(async () => {
        const { slots } = await handle.query<GenerationState>('progress');
        return slots[0]?.status === 'needs_decision';
      });
      const { slots } = await handle.query<GenerationState>('progress');
      expect(slots[0]?.decision).toMatchObject({ provider: 'fal', atRiskUsd: 0.026214 });
      expect([modal.jobs.length, fal.jobs.length]).toEqual([1, 1]);
      await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'give_up' }] });
      expect((await handle.result()).slots[0]?.error?.code).toBe('outcome_unknown');
    });
  });

  it('delivers the first picture although the limit cannot be read just now', async () => {
    const slow = onWord();
    harness.surroundings.reserve = () => {
      setTimeout(slow.speak, 300);
      return Promise.reject(new Error('the database is away'));
    };
    const modal = new FakeProvider('modal', slow.answer);
    const fal = new FakeProvider('fal', ok);

    const state = await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio({ hedge: true }), { reservedUsd: 0.03 });
      return await handle.result();
    });

    expect(state.slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(fal.jobs).toEqual([]);
  });

  it('stops both when the job is cancelled, and says what each may have cost', async () => {
    const second = new EventEmitter();
    const asked = once(second, 'asked');
    const modal = new FakeProvider('modal', coldStart);
    modal.chargeOfStop = 'price';
    const fal = new FakeProvider('fal', async (job, call, context) => {
      second.emit('asked');
      return await coldStart(job, call, context);
    });
    fal.chargeOfStop = 'none';

    const { slots } = await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio({ hedge: true }));
      await asked;
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow();
      return await handle.query<GenerationState>('progress');
    });

    expect(slots[0]).toMatchObject({ status: 'cancelled', costUsd: 0.020054, atRiskUsd: 0 });
    expect(slots[0]?.racing).toBeUndefined();
    expect(slots[0]?.attempts).toMatchObject([
      { provider: 'modal', outcome: 'cancelled', costUsd: 0.020054 },
      { provider: 'fal', outcome: 'cancelled', costUsd: 0 },
    ]);
  });
});
