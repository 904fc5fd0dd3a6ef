import type { WorkflowHandle } from '@temporalio/client';
import type { GenerationState } from '../../src/domain/generation';
import { providerUpSignalName } from '../../src/domain/messages';
import { outcomeUnknown } from '../../src/providers/outcome-unknown';
import { failing, FakeProvider, picture, type Answer } from '../support/fake-provider';
import { studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();

/** By the price table: what one call of `/flux-dev` costs. */
const priceUsd = 0.020054;
const ok: Answer = (job) => Promise.resolve(picture(job, 0.02));
const cut = failing('connection_lost', { outcome: 'nobody_knows' });

/** A provider whose jobs have names: each submit can be found by its key. */
function named(answer: Answer, provider: 'modal' | 'fal' = 'modal'): FakeProvider {
  const fake = new FakeProvider(provider, answer);
  fake.leavesClue = true;
  return fake;
}

const jobsOf = ({ jobs }: FakeProvider) => new Set(jobs.map(({ jobKey }) => jobKey)).size;

async function run(providers: FakeProvider[], request: ReturnType<typeof studio>): Promise<GenerationState> {
  return await harness.withProviders(providers, async () => (await harness.start(request)).result());
}

describe.each(['resubmit', 'hold'] as const)(
  'a submit without an answer, with unknownOutcome: %s',
  (policy) => {
    const request = (fields: object = {}) => studio({ unknownOutcome: policy, ...fields });

    it('is found by its name and collected: one job is paid, and nothing is in doubt', async () => {
      const modal = named(async (job, call, context) => {
        if (context.dispatch.previous.phase !== 'none') return await ok(job, call, context);
        await context.dispatch.intent();
        return await cut(job, call, context);
      });
      const fal = new FakeProvider('fal', ok);

      const { slots } = await run([modal, fal], request());

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal', costUsd: 0.02, atRiskUsd: 0 });
      expect([jobsOf(modal), fal.jobs.length]).toEqual([1, 0]);
    });

    it('is sent anew under another name once its provider says that it never took it', async () => {
      const modal = named(async (job, call, context) => {
        if (job.jobKey.endsWith('/2')) return await ok(job, call, context);
        const never = { outcome: 'nothing_sent' } as const;
        if (context.dispatch.previous.phase === 'intent')
          return await failing('never_accepted', never)(job, call, context);
        await context.dispatch.intent();
        throw new Error('the worker stops here');
      });

      const { slots } = await run([modal], request({ strict: true, modelId: 'modal-flux-dev' }));

      expect(slots[0]).toMatchObject({ status: 'completed', costUsd: 0.02, atRiskUsd: 0 });
      expect(slots[0]?.attempts.map(({ certainty }) => certainty)).not.toContain('unknown');
      expect(jobsOf(modal)).toBe(2);
    });

    it('is a doubt once its provider can tell no more', async () => {
      let asked = 0;
      const fal = named(async (job, call, context) => {
        if (job.jobKey.endsWith('/2')) return await ok(job, call, context);
        await context.dispatch.intent();
        return await cut(job, call, context);
      }, 'fal');
      fal.find = () => {
        asked += 1;
        if (asked > 3) return Promise.reject(outcomeUnknown('fal'));
        return Promise.resolve({ kind: 'cannot_tell', reason: 'no call-back yet', askAgainSeconds: 1 });
      };
      await harness.withProviders([fal], async () => {
        const handle: WorkflowHandle = await harness.start(
          request({ modelProvider: 'fal', strict: true, modelId: 'fal-flux-dev' }),
        );
        const doubts = ({ slots }: GenerationState) =>
          slots[0]?.attempts.filter(({ certainty, atRiskUsd }) => certainty === 'unknown' && atRiskUsd);
        if (policy === 'hold') {
          await waitUntil(async () => {
            const { slots } = await handle.query<GenerationState>('progress');
            return slots[0]?.status === 'needs_decision';
          });
          const state = await handle.query<GenerationState>('progress');
          expect(state.slots[0]).toMatchObject({ atRiskUsd: 0.026214 });
          expect(doubts(state)).toMatchObject([{ atRiskUsd: 0.026214 }]);
          expect(jobsOf(fal)).toBe(1);
          await handle.terminate('end of the test');
          return;
        }
        const state = (await handle.result()) as GenerationState;
        expect(state.slots[0]).toMatchObject({ status: 'completed', costUsd: 0.02, atRiskUsd: 0.026214 });
        expect(doubts(state)).toMatchObject([{ atRiskUsd: 0.026214 }]);
        expect(jobsOf(fal)).toBe(2);
      });
    });

    it('is asked for again while its provider cannot tell yet, and nobody else is paid meanwhile', async () => {
      let asked = 0;
      const modal = named(async (job, call, context) => {
        await context.dispatch.intent();
        return await cut(job, call, context);
      });
      modal.find = (_job, clue) => {
        asked += 1;
        return Promise.resolve(
          asked < 4
            ? { kind: 'cannot_tell', reason: 'it lists what has ended', askAgainSeconds: 1 }
            : { kind: 'accepted', handle: { foundBy: clue } },
        );
      };
      modal.collect = (job) => Promise.resolve(picture(job, 0.02));
      const fal = new FakeProvider('fal', ok);

      const { slots } = await run([modal, fal], request());

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal', costUsd: 0.02, atRiskUsd: 0 });
      expect(slots[0]?.attempts.map(({ certainty }) => certainty)).not.toContain('unknown');
      expect(fal.jobs).toEqual([]);
    });
  },
);

describe('an accepted job whose provider is out of reach', () => {
  /** Takes the job, and cannot be reached until `isBack`. */
  function takenThenGone({ isKnownDown = true } = {}) {
    const state = { isBack: false };
    const modal = named(async (job, call, context) => {
      if (context.dispatch.previous.phase === 'accepted' && state.isBack) return await ok(job, call, context);
      if (context.dispatch.previous.phase === 'none') {
        await context.dispatch.intent();
        await context.dispatch.accepted({ key: job.jobKey });
      }
      harness.surroundings.downSince = (provider) =>
        isKnownDown && provider === 'modal' && !state.isBack ? '2026-01-02T03:04:05.678Z' : undefined;
      const gone = { outcome: 'unreachable' } as const;
      return await failing('connection_refused', gone)(job, call, context);
    });
    modal.isHealthy = false;
    return { modal, state };
  }

  it.each([
    ['known to be down', true],
    ['merely not reached', false],
  ])(
    'is waited for during the grace time, then another provider is paid and the first job settled later: %s',
    async (_case, isKnownDown) => {
      harness.surroundings.graceSeconds = 3;
      const { modal, state } = takenThenGone({ isKnownDown });
      const fal = new FakeProvider('fal', ok);
      await harness.withProviders([modal, fal], async () => {
        const handle: WorkflowHandle = await harness.start(studio());
        let seen: GenerationState | undefined;
        await waitUntil(async () => {
          seen = await handle.query<GenerationState>('progress');
          return seen.status === 'completed' && modal.stopped.length > 0;
        });
        expect(seen).toMatchObject({ costUsd: 0.02, atRiskUsd: priceUsd, unsettledJobs: 1 });
        expect(seen?.slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });

        state.isBack = true;
        modal.answerToStop = { kind: 'finished', handle: { key: modal.jobs[0]?.jobKey ?? '' } };
        const settled = (await handle.result()) as GenerationState;

        expect(settled).toMatchObject({ status: 'completed', costUsd: 0.04, atRiskUsd: 0 });
        expect(settled.extras).toMatchObject([{ slot: 1, provider: 'modal', costUsd: 0.02 }]);
        expect([jobsOf(modal), fal.jobs.length]).toEqual([1, 1]);
      });
    },
  );

  it('is waited for by a job on hold, however long, without a question', async () => {
    harness.surroundings.graceSeconds = 2;
    const { modal, state } = takenThenGone();
    const fal = new FakeProvider('fal', ok);
    await harness.withProviders([modal, fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio({ unknownOutcome: 'hold' }));
      const waitingSince = async () => {
        const [slot] = (await handle.query<GenerationState>('progress')).slots;
        expect(slot?.decision).toBeUndefined();
        return slot?.waiting === undefined ? Infinity : Date.parse(slot.waiting.since);
      };
      await waitUntil(async () => Date.now() - (await waitingSince()) > 4_000);
      expect(fal.jobs).toEqual([]);

      state.isBack = true;
      await handle.executeUpdate('retryNow');
      const { slots } = (await handle.result()) as GenerationState;

      expect(slots[0]).toMatchObject({
        status: 'completed',
        provider: 'modal',
        costUsd: 0.02,
        atRiskUsd: 0,
      });
      expect([jobsOf(modal), fal.jobs.length]).toEqual([1, 0]);
    });
  });

  it.each(['resubmit', 'hold'] as const)(
    'is waited for where it hangs or a gateway answers for it, without a question or another payment: %s',
    async (policy) => {
      const modal = named(async (job, call, context) => {
        if (context.dispatch.previous.phase === 'none') {
          await context.dispatch.intent();
          await context.dispatch.accepted({ key: job.jobKey });
        }
        if (call > 3) return await ok(job, call, context);
        const code = call === 2 ? 'unavailable' : 'no_answer';
        return await failing(code, { outcome: 'unreachable' })(job, call, context);
      });
      const fal = new FakeProvider('fal', ok);

      const { slots } = await run([modal, fal], studio({ unknownOutcome: policy }));

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal', costUsd: 0.02, atRiskUsd: 0 });
      expect([jobsOf(modal), fal.jobs.length]).toEqual([1, 0]);
    },
  );

  it('is asked again as soon as its watch finds the provider well, also within a short pause', async () => {
    const modal = named(async (job, call, context) => {
      if (call > 1) return await ok(job, call, context);
      await context.dispatch.intent();
      await context.dispatch.accepted({ key: job.jobKey });
      const gone = { outcome: 'unreachable', retryAfterMs: 14_000 } as const;
      return await failing('connection_refused', gone)(job, call, context);
    });
    modal.isHealthy = false;
    await harness.withProviders([modal], async () => {
      const handle: WorkflowHandle = await harness.start(studio());
      await waitUntil(async () => {
        const [slot] = (await handle.query<GenerationState>('progress')).slots;
        return slot?.status === 'waiting' && slot.waiting?.watched.includes('modal') === true;
      });
      const wokenAt = Date.now();
      await handle.signal(providerUpSignalName, { provider: 'modal' });

      expect(((await handle.result()) as GenerationState).slots[0]).toMatchObject({ status: 'completed' });
      expect(Date.now() - wokenAt).toBeLessThan(7_000);
      expect(jobsOf(modal)).toBe(1);
    });
  });
});
