import type { WorkflowHandle } from '@temporalio/client';
import type { GenerationState } from '../../src/domain/generation';
import { retryNowUpdateName } from '../../src/domain/messages';
import { failing, FakeProvider, hanging, picture, type Answer } from '../support/fake-provider';
import { studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();

const onFal = { modelProvider: 'fal', strict: true, modelId: 'fal-flux-dev' };
/** By the price table. */
const priceUsd = 0.026214;

/** Takes the job, and is out of reach from then on. */
function takenAndGone(): FakeProvider {
  const answer: Answer = async (job, call, context) => {
    await context.dispatch.intent();
    await context.dispatch.accepted({ request: 'r-1' });
    harness.surroundings.downSince = () => '2026-01-02T03:04:05.678Z';
    const gone = failing('connection_lost', { outcome: 'unreachable' });
    return await gone(job, call, context);
  };
  const fal = new FakeProvider('fal', answer);
  fal.isHealthy = false;
  return fal;
}

async function untilWaiting(handle: WorkflowHandle): Promise<void> {
  await waitUntil(async () => {
    const { slots } = await handle.query<GenerationState>('progress');
    return slots[0]?.status === 'waiting';
  });
}

describe('a slot that ends while its accepted job is still open', () => {
  it.each([
    ['none', { costUsd: 0, atRiskUsd: 0 }],
    ['price', { costUsd: priceUsd, atRiskUsd: 0 }],
    [{ usd: 0.004 }, { costUsd: 0.004, atRiskUsd: 0 }],
  ] as const)('has the provider stop it, which says it is billed: %j', async (charge, money) => {
    const fal = takenAndGone();
    fal.chargeOfStop = charge;
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio({ ...onFal, unknownOutcome: 'hold' }));
      await untilWaiting(handle);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');

      const { status, slots } = await handle.query<GenerationState>('progress');
      expect(status).toBe('cancelled');
      expect(slots[0]).toMatchObject(money);
      expect(fal.stopped).toMatchObject([
        { jobKey: fal.jobs[0]?.jobKey, dispatch: { phase: 'accepted', handle: { request: 'r-1' } } },
      ]);
    });
  });

  it('has ended for its caller while a provider that does not answer is asked until the price is settled', async () => {
    const fal = takenAndGone();
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio(onFal));
      await untilWaiting(handle);
      await handle.cancel();
      let state: GenerationState | undefined;
      await waitUntil(async () => {
        state = await handle.query<GenerationState>('progress');
        return state.status === 'cancelled' && fal.stopped.length > 0;
      });
      expect(state).toMatchObject({ unsettledJobs: 1, atRiskUsd: priceUsd, costUsd: 0 });

      fal.chargeOfStop = 'price';
      await expect(handle.result()).rejects.toThrow('cancelled');
      const settled = await handle.query<GenerationState>('progress');
      expect(settled).toMatchObject({ atRiskUsd: 0, costUsd: priceUsd });
      expect(settled.unsettledJobs).toBeUndefined();
      expect(harness.saves.at(-1)).toMatchObject({ atRiskUsd: 0, costUsd: priceUsd });
    });
  });

  it('keeps the picture of a job that ended before it could be stopped, as an extra of the set', async () => {
    const fal = takenAndGone();
    fal.answerToStop = { kind: 'finished', handle: { request: 'r-1' } };
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio(onFal));
      await untilWaiting(handle);
      fal.answer = (job) => Promise.resolve(picture(job, 0.031));
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');

      const { extras, slots } = await handle.query<GenerationState>('progress');
      expect(extras).toMatchObject([{ slot: 1, provider: 'fal', costUsd: 0.031 }]);
      expect(slots[0]).toMatchObject({ status: 'cancelled', costUsd: 0.031, atRiskUsd: 0 });
    });
  });

  it('is cancelled at once, and keeps the picture that a call at work makes after it was told to stop', async () => {
    const fal = new FakeProvider('fal', async (job, call, context) => {
      if (context.dispatch.previous.phase === 'accepted') {
        if (!isMade) throw await failureOf(job, call, context);
        return picture(job, 0.031);
      }
      await context.dispatch.intent();
      await context.dispatch.accepted({ request: 'r-1' });
      return await hanging(job, call, context);
    });
    let isMade = false as boolean;
    const failureOf = async (...args: Parameters<Answer>): Promise<unknown> =>
      await failing('no_answer', { outcome: 'unreachable' })(...args).catch((error: unknown) => error);
    fal.answerToStop = { kind: 'stopped', charge: 'price', handle: { request: 'r-1' } };
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio(onFal));
      await waitUntil(() => Promise.resolve(fal.jobs.length === 1));
      await handle.cancel();
      await waitUntil(async () => {
        const { status, unsettledJobs } = await handle.query<GenerationState>('progress');
        return status === 'cancelled' && unsettledJobs === 1;
      });
      const { finishedAt, ...before } = await handle.query<GenerationState>('progress');
      expect(finishedAt).toBeDefined();
      expect(before).toMatchObject({ costUsd: 0, atRiskUsd: priceUsd });
      isMade = true;
      await expect(handle.result()).rejects.toThrow('cancelled');

      const after = await handle.query<GenerationState>('progress');
      expect(after).toMatchObject({ costUsd: 0.031, atRiskUsd: 0, extras: [{ costUsd: 0.031 }] });
      expect(after.slots[0]?.attempts).toMatchObject([{ outcome: 'cancelled', costUsd: 0.031 }]);
    });
  });

  it('costs nothing where it turns out that its submit never arrived', async () => {
    const fal = takenAndGone();
    fal.answerToStop = { kind: 'never' };
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio(onFal));
      await untilWaiting(handle);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');

      const { slots } = await handle.query<GenerationState>('progress');
      expect(slots[0]).toMatchObject({ costUsd: 0, atRiskUsd: 0 });
    });
  });

  it('stops nothing that it collected', async () => {
    const fal = takenAndGone();
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio(onFal));
      await untilWaiting(handle);
      fal.answer = (job, _call, { dispatch }) => {
        expect(dispatch.previous).toEqual({ phase: 'accepted', handle: { request: 'r-1' } });
        return Promise.resolve(picture(job));
      };
      harness.resetSurroundings();
      await handle.executeUpdate(retryNowUpdateName);

      const { status, atRiskUsd } = (await handle.result()) as GenerationState;
      expect([status, atRiskUsd]).toEqual(['completed', 0]);
      expect(fal.stopped).toEqual([]);
    });
  });
});

describe('a slot that ends while nobody knows whether its submit arrived', () => {
  /** The submit leaves, and the provider is out of reach from then on. */
  function sentAndGone(): FakeProvider {
    const answer: Answer = async (job, call, context) => {
      if (context.dispatch.previous.phase === 'none') await context.dispatch.intent({ promptId: 'p-1' });
      harness.surroundings.downSince = () => '2026-01-02T03:04:05.678Z';
      const gone = failing('connection_refused', { provider: 'comfyui', outcome: 'nobody_knows' });
      return await gone(job, call, context);
    };
    const provider = new FakeProvider('comfyui', answer);
    provider.isHealthy = false;
    return provider;
  }

  it('has the pod look for it by its id and stop it', async () => {
    const pod = sentAndGone();
    pod.chargeOfStop = 'none';
    await harness.withProviders([pod], async () => {
      const handle: WorkflowHandle = await harness.start(studio({ modelProvider: 'comfyui', strict: true }));
      await untilWaiting(handle);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');

      const { slots } = await handle.query<GenerationState>('progress');
      expect(slots[0]).toMatchObject({ costUsd: 0, atRiskUsd: 0 });
      expect(pod.stopped).toMatchObject([
        { jobKey: pod.jobs[0]?.jobKey, dispatch: { phase: 'intent', clue: { promptId: 'p-1' } } },
      ]);
    });
  });
});
