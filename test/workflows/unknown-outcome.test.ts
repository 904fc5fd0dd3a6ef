import { EventEmitter, once } from 'node:events';
import type { WorkflowHandle } from '@temporalio/client';
import type { GenerationState, SlotDecision, SlotState } from '../../src/domain/generation';
import { decideSlotUpdateName } from '../../src/domain/messages';
import { generationStatusAttribute } from '../../src/domain/search-attributes';
import { modalImagePolicy } from '../../src/registry/policies';
import {
  failing,
  FakeProvider,
  inTurn,
  lost,
  lostByWorker,
  picture,
  type Answer,
} from '../support/fake-provider';
import { profilePictures, studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();

const ok: Answer = (job) => Promise.resolve(picture(job));
/** By the price table: what one call of `/flux-dev` costs. */
const priceUsd = 0.020054;

/** Answers by the number of the job, however many calls ask for one. */
function byJob(...answers: [Answer, ...Answer[]]): Answer {
  const keys: string[] = [];
  return (job, call, context) => {
    if (!keys.includes(job.jobKey)) keys.push(job.jobKey);
    const answer = answers[Math.min(keys.indexOf(job.jobKey), answers.length - 1)] ?? answers[0];
    return answer(job, call, context);
  };
}

const jobsOf = ({ jobs }: FakeProvider) => new Set(jobs.map(({ jobKey }) => jobKey)).size;

async function run(providers: FakeProvider[], request: ReturnType<typeof studio>): Promise<GenerationState> {
  return await harness.withProviders(providers, async () => (await harness.start(request)).result());
}

describe('a submit that was lost, with unknownOutcome: resubmit', () => {
  it('is sent once more, and the first price stands as at risk in state, trail and Temporal UI', async () => {
    const modal = new FakeProvider('modal', byJob(lostByWorker, ok));
    await harness.withProviders([modal, new FakeProvider('fal')], async () => {
      const handle = await harness.start(studio());
      const { slots, atRiskUsd } = await handle.result();

      expect(jobsOf(modal)).toBe(2);
      expect(atRiskUsd).toBe(priceUsd);
      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal', atRiskUsd: priceUsd });
      expect(slots[0]?.attempts).toMatchObject([
        { outcome: 'failed', certainty: 'unknown', atRiskUsd: priceUsd },
        { outcome: 'failed', errorCode: 'outcome_unknown', certainty: 'not_sent' },
        { outcome: 'succeeded', costUsd: priceUsd },
      ]);
      expect(await detailsOf(handle)).toContain(`**$${priceUsd} at risk**`);
    });
  });

  it('is sent once more to the next provider where the connection to the first was lost, and not at once', async () => {
    const modal = new FakeProvider('modal', lost);
    const fal = new FakeProvider('fal', ok);

    const { slots } = await run([modal, fal], studio());

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal', atRiskUsd: priceUsd });
    expect([jobsOf(modal), fal.jobs.length]).toEqual([1, 1]);
    const [first, last] = slots[0]!.attempts.map(({ startedAt }) => Date.parse(startedAt));
    expect(last! - first!).toBeGreaterThanOrEqual(modalImagePolicy.retry.initialSeconds * 1000);
  });

  it('waits for the only provider that may serve it, and is then sent once more to the same endpoint', async () => {
    const modal = new FakeProvider('modal', byJob(lost, ok));

    const { slots } = await run([modal], profilePictures({ count: 7 }));

    const slot = slots.find(({ atRiskUsd }) => atRiskUsd > 0);
    expect(slot).toMatchObject({ status: 'completed', endpoint: '/sdxl-instantid' });
    expect(harness.saves.some(({ slots: saved }) => saved.some(({ status }) => status === 'waiting'))).toBe(
      true,
    );
  });

  it('is sent once more to the next provider where the first kept silent until the deadline', async () => {
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (context.dispatch.previous.phase === 'intent') return await lost(job, call, context);
      await context.dispatch.intent();
      const silent = { outcome: 'nobody_knows' } as const;
      return await failing('deadline_exceeded', silent)(job, call, context);
    });
    const fal = new FakeProvider('fal', ok);

    const { slots } = await run([modal, fal], studio());

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal', atRiskUsd: priceUsd });
    expect([jobsOf(modal), fal.jobs.length]).toEqual([1, 1]);
  });

  it('is given up at the sixth, like every other submit that may have been paid', async () => {
    const modal = new FakeProvider('modal', lost);

    const { status, slots } = await run([modal], studio());

    expect(status).toBe('failed');
    expect(slots[0]?.error).toMatchObject({ code: 'paid_attempt_limit', provider: 'modal' });
    expect(slots[0]?.atRiskUsd).toBeCloseTo(6 * priceUsd, 6);
    expect(jobsOf(modal)).toBe(6);
  });
});

describe('a submit that was lost while its provider is down, with unknownOutcome: resubmit', () => {
  const down = failing('provider_down');

  it('is still sent once more when the calls at others meanwhile sent nothing', async () => {
    let isDown = true;
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (context.dispatch.previous.phase === 'intent' && isDown) return await down(job, call, context);
      return await byJobOf(job, call, context);
    });
    const byJobOf = byJob(lost, ok);
    const fal = new FakeProvider('fal', async (job, call, context) => {
      isDown = false;
      return await failing('connection_refused', { provider: 'fal' })(job, call, context);
    });

    const { slots } = await run([modal, fal], studio());

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal', atRiskUsd: priceUsd });
    expect(jobsOf(modal)).toBe(2);
    expect(fal.jobs.length).toBeGreaterThan(0);
  });

  it('counts together with what another provider was paid: six in all', async () => {
    const modal = new FakeProvider('modal', lost);
    const fal: FakeProvider = new FakeProvider(
      'fal',
      failing('generation_failed', { provider: 'fal', outcome: 'ended_billed' }),
    );

    const { slots } = await run([modal, fal], studio());

    expect(slots[0]?.error).toMatchObject({ code: 'paid_attempt_limit' });
    expect(modal.jobs.length + fal.jobs.length).toBe(6);
    expect(modal.jobs.length).toBeGreaterThan(0);
  });
});

describe('a submit that was lost, with unknownOutcome: hold', () => {
  const onHold = (fields: object = {}) => studio({ unknownOutcome: 'hold', ...fields });

  async function withQuestion<T>(
    asked: FakeProvider,
    work: (handle: WorkflowHandle, state: GenerationState) => Promise<T>,
    fields: object = {},
    own: { reservedUsd?: number } = {},
  ): Promise<T> {
    return await harness.withProviders(
      [asked, new FakeProvider(asked.provider === 'fal' ? 'modal' : 'fal', ok)],
      async () => {
        const handle: WorkflowHandle = await harness.start(onHold(fields), own);
        let state: GenerationState | undefined;
        await waitUntil(async () => {
          state = await handle.query<GenerationState>('progress');
          return state.slots[0]?.status === 'needs_decision';
        });
        return await work(handle, state!);
      },
    );
  }

  const decide = (handle: WorkflowHandle, decision: SlotDecision, slot = 1) =>
    handle.executeUpdate(decideSlotUpdateName, { args: [{ slot, decision }] });

  it('is put before a person, who reads what is at stake, and pays nobody meanwhile', async () => {
    const modal = new FakeProvider('modal', byJob(lost, ok));
    await withQuestion(modal, async (handle, { slots, atRiskUsd }) => {
      expect(slots[0]?.decision).toMatchObject({
        provider: 'modal',
        endpoint: '/flux-dev',
        atRiskUsd: priceUsd,
      });
      expect(atRiskUsd).toBe(priceUsd);
      const { typedSearchAttributes } = await handle.describe();
      expect(typedSearchAttributes.get(generationStatusAttribute)).toBe('needs_decision');
      expect(await detailsOf(handle)).toContain('resubmit or give up? A submit to modal was lost.');
      expect(jobsOf(modal)).toBe(1);
      await expect(decide(handle, 'resubmit', 2)).rejects.toThrow();

      await decide(handle, 'resubmit');
      const result = (await handle.result()) as GenerationState;

      expect(result.slots[0]).toMatchObject({ status: 'completed', atRiskUsd: priceUsd, costUsd: priceUsd });
      expect(result.slots[0]?.decision).toBeUndefined();
      expect(jobsOf(modal)).toBe(2);
    });
  });

  it('takes no second word while the first one is acted upon', async () => {
    const limit = new EventEmitter();
    const asked = once(limit, 'asked');
    harness.surroundings.reserve = async () => {
      limit.emit('asked');
      await once(limit, 'read');
      return { granted: true };
    };
    const modal = new FakeProvider('modal', byJob(lost, ok));
    await withQuestion(
      modal,
      async (handle) => {
        await decide(handle, 'resubmit');
        await asked;
        await expect(decide(handle, 'give_up')).rejects.toThrow();
        limit.emit('read');
        expect((await handle.result()) as GenerationState).toMatchObject({ status: 'completed' });
      },
      {},
      { reservedUsd: priceUsd },
    );
  });

  it('ends the slot when it is given up, and takes no second word', async () => {
    const modal = new FakeProvider('modal', lost);
    await withQuestion(modal, async (handle) => {
      await decide(handle, 'give_up');
      const { status, slots } = (await handle.result()) as GenerationState;

      expect(status).toBe('failed');
      expect(slots[0]?.error).toMatchObject({ code: 'outcome_unknown', provider: 'modal' });
      expect(slots[0]?.error?.message).toContain('given up');
      expect(jobsOf(modal)).toBe(1);
      await expect(decide(handle, 'resubmit')).rejects.toThrow();
    });
  });

  it('ends the slot when nobody decides before the deadline', async () => {
    // 60 s is the least the API takes.
    const request = onHold();
    request.request.deadlineSeconds = 3;
    const modal = new FakeProvider('modal', lost);

    const { slots } = await run([modal], request);

    expect(slots[0]?.error?.code).toBe('outcome_unknown');
    expect(slots[0]?.error?.message).toContain('Nobody decided');
    expect(jobsOf(modal)).toBe(1);
  });

  it.each([
    ['gone', 'request_lost', undefined],
    ['gone', 'redirect_foreign', undefined],
    ['gone', 'body_cut_off', 'price'],
    ['gone', 'media_truncated', 'price'],
    ['gone', 'deadline_exceeded', undefined],
    ['gone', 'deadline_exceeded', 'price'],
    ['gone', 'queue_timeout', 'price'],
  ] as const)(
    'asks where the picture of an accepted job never reached us: %s %s',
    async (outcome, code, charge) => {
      const modal = new FakeProvider('modal', async (job, call, context) => {
        await context.dispatch.intent();
        return await failing(code, { outcome, charge })(job, call, context);
      });
      await withQuestion(modal, async (handle, { slots }) => {
        const money = charge === 'price' ? { costUsd: priceUsd } : { atRiskUsd: priceUsd };
        expect(slots[0]?.attempts).toMatchObject([{ errorCode: code, ...money }]);
        expect(slots[0]?.decision?.atRiskUsd).toBe(charge === 'price' ? 0 : priceUsd);
        expect(jobsOf(modal)).toBe(1);
        await decide(handle, 'give_up');
        await handle.result();
      });
    },
  );

  it('makes a picture that came whole and is of no use again, which is a refill and no doubt', async () => {
    const blank = failing('media_blank', { outcome: 'useless', charge: 'price' });
    const modal = new FakeProvider('modal', inTurn(blank, ok));

    const { slots } = await run([modal], onHold());

    expect(slots[0]).toMatchObject({ status: 'completed', costUsd: 2 * priceUsd });
  });

  it('asks also where a gateway answered for a provider that may have taken the job', async () => {
    const gateway = failing('bad_gateway', { outcome: 'nobody_knows', status: 502 });
    const modal = new FakeProvider('modal', async (job, call, context) => {
      await context.dispatch.intent();
      return await gateway(job, call, context);
    });
    await withQuestion(modal, async (handle, { slots }) => {
      expect(slots[0]?.attempts).toMatchObject([{ errorCode: 'bad_gateway', atRiskUsd: priceUsd }]);
      expect(jobsOf(modal)).toBe(1);
      await decide(handle, 'give_up');
      await handle.result();
    });
  });
});

describe('an accepted job that its provider does not give, with unknownOutcome: hold', () => {
  const request = () => studio({ modelProvider: 'fal', strict: true, unknownOutcome: 'hold' });
  /** By the price table: what one call of Fal's endpoint costs. */
  const falUsd = 0.026214;
  const word = new EventEmitter();

  const hangs: Answer = async (job, call, context) => {
    if (context.dispatch.previous.phase === 'none') {
      await context.dispatch.intent();
      await context.dispatch.accepted({ request: job.jobKey });
    }
    const silent = { provider: 'fal', outcome: 'still_there' } as const;
    return await failing('deadline_exceeded', silent)(job, call, context);
  };
  const failed = failing('generation_failed', {
    provider: 'fal',
    outcome: 'ended_billed',
  });
  /** Accepted, and then the connection breaks. */
  const broken: Answer = async (job, call, context) => {
    await context.dispatch.intent();
    await context.dispatch.accepted({ request: job.jobKey });
    return await failing('connection_lost', { outcome: 'unreachable' })(job, call, context);
  };
  /** The first look after the question: takes as long as the test says, and finds this. */
  const lookingFor =
    (found: Answer): Answer =>
    async (job, call, context) => {
      word.emit('looking');
      await once(word, 'seen');
      return await found(job, call, context);
    };

  async function untilAsked(handle: WorkflowHandle): Promise<SlotState> {
    let slot: SlotState | undefined;
    await waitUntil(async () => {
      slot = (await handle.query<GenerationState>('progress')).slots[0];
      return slot?.status === 'needs_decision';
    });
    return slot!;
  }

  /** Answers the question while the provider is just being asked once more. */
  async function decideWhileLooking(fal: FakeProvider, decision: SlotDecision): Promise<GenerationState> {
    return await harness.withProviders([fal], async () => {
      const looks = once(word, 'looking');
      const handle: WorkflowHandle = await harness.start(request());
      const slot = await untilAsked(handle);
      expect(slot).toMatchObject({ atRiskUsd: falUsd, decision: { provider: 'fal', atRiskUsd: falUsd } });
      await looks;
      await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision }] });
      word.emit('seen');
      return (await handle.result()) as GenerationState;
    });
  }

  it('is put before a person, and another one is paid in its place when that person says so', async () => {
    const fal = new FakeProvider('fal', inTurn(hangs, hangs, lookingFor(hangs), ok));
    fal.chargeOfStop = 'price';

    const { slots } = await decideWhileLooking(fal, 'resubmit');

    expect(slots[0]).toMatchObject({ status: 'completed', costUsd: 2 * falUsd, atRiskUsd: 0 });
    expect(jobsOf(fal)).toBe(2);
    expect(fal.stopped).toMatchObject([{ jobKey: fal.jobs[0]?.jobKey }]);
  });

  it.each(['resubmit', 'give_up'] as const)(
    'is looked for once more before the word %s is acted upon',
    async (decision) => {
      const fal = new FakeProvider('fal', inTurn(hangs, hangs, ok));
      await harness.withProviders([fal], async () => {
        const handle: WorkflowHandle = await harness.start(request());
        await untilAsked(handle);
        const answer = handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision }] });
        // On a slow machine it may be found by itself before the word arrives.
        await answer.catch(() => undefined);
        const { slots } = (await handle.result()) as GenerationState;

        expect(slots[0]).toMatchObject({ status: 'completed', costUsd: falUsd, atRiskUsd: 0 });
        expect(jobsOf(fal)).toBe(1);
        expect(fal.stopped).toEqual([]);
      });
    },
  );

  it('is looked for while the question is open, and needs no answer when it is found', async () => {
    const fal = new FakeProvider('fal', inTurn(hangs, hangs, hangs, ok));

    const { slots } = await run([fal], request());

    expect(slots[0]).toMatchObject({ status: 'completed', costUsd: falUsd, atRiskUsd: 0 });
    expect(slots[0]?.decision).toBeUndefined();
    expect(jobsOf(fal)).toBe(1);
  });

  it('needs no answer either when its provider says that it failed', async () => {
    const fal = new FakeProvider('fal', inTurn(hangs, hangs, failed, ok));

    const { slots } = await run([fal], request());

    expect(slots[0]).toMatchObject({ status: 'completed' });
    expect(jobsOf(fal)).toBe(2);
  });

  it('leaves the next job its own question, when it turned out that this one had failed', async () => {
    const gateway = failing('transient', { provider: 'fal', outcome: 'nobody_knows', status: 502 });
    const fal = new FakeProvider('fal', inTurn(hangs, hangs, lookingFor(failed), gateway, ok));
    await harness.withProviders([fal], async () => {
      const looks = once(word, 'looking');
      const handle: WorkflowHandle = await harness.start(request());
      await untilAsked(handle);
      await looks;
      await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'resubmit' }] });
      word.emit('seen');
      await waitUntil(() => Promise.resolve(fal.jobs.length >= 4));
      await untilAsked(handle);
      expect(fal.jobs).toHaveLength(4);
      await handle.terminate('end of the test');
    });
  });

  it('costs nothing in the books where its provider says so when it is stopped', async () => {
    const fal = new FakeProvider('fal', inTurn(hangs, hangs, lookingFor(hangs), ok));
    fal.chargeOfStop = 'none';

    const { slots } = await decideWhileLooking(fal, 'resubmit');

    expect(slots[0]).toMatchObject({ status: 'completed', costUsd: falUsd, atRiskUsd: 0 });
    expect(jobsOf(fal)).toBe(2);
  });

  it('ends the slot when it is given up, and its provider is told to stop it', async () => {
    const fal = new FakeProvider('fal', inTurn(hangs, hangs, lookingFor(hangs)));
    fal.chargeOfStop = 'price';

    const { slots } = await decideWhileLooking(fal, 'give_up');

    expect(slots[0]).toMatchObject({ status: 'failed', costUsd: falUsd, atRiskUsd: 0 });
    expect(slots[0]?.error).toMatchObject({ code: 'outcome_unknown', provider: 'fal' });
    expect(fal.stopped).toHaveLength(1);
  });

  it('ends the slot with a reason when its failure is told at the deadline', async () => {
    const late = request();
    late.request.deadlineSeconds = 6;
    let deadlineMs = Infinity;
    const fal = new FakeProvider('fal', (job, call, context) =>
      (Date.now() < deadlineMs ? hangs : failed)(job, call, context),
    );
    await harness.withProviders([fal], async () => {
      const handle: WorkflowHandle = await harness.start(late);
      await untilAsked(handle);
      deadlineMs = Date.parse((await handle.query<GenerationState>('progress')).deadlineAt!);
      const { slots } = (await handle.result()) as GenerationState;

      expect(slots[0]).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
      expect(jobsOf(fal)).toBe(1);
    });
  });

  it('keeps what is open through a look that does not get through', async () => {
    const raced = new EventEmitter();
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (call > 2) return await ok(job, call, context);
      if (call === 1) await once(raced, 'joined');
      return await lost(job, call, context);
    });
    const fal = new FakeProvider('fal', async (job, call, context) => {
      if (call === 1) raced.emit('joined');
      if (call === 5) return await ok(job, call, context);
      if (context.dispatch.previous.phase === 'none') {
        await context.dispatch.intent();
        await context.dispatch.accepted({ request: job.jobKey });
      }
      const away = { provider: 'fal', outcome: 'unreachable' } as const;
      return await failing('connection_lost', away)(job, call, context);
    });
    await harness.withProviders([modal, fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio({ unknownOutcome: 'hold', hedge: true }));
      await untilAsked(handle);
      const answer = handle.executeUpdate(decideSlotUpdateName, {
        args: [{ slot: 1, decision: 'resubmit' }],
      });
      await answer.catch(() => undefined);
      const { slots } = (await handle.result()) as GenerationState;

      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
      expect([jobsOf(modal), jobsOf(fal)]).toEqual([1, 1]);
      expect(fal.stopped).toEqual([]);
    });
  });

  it('is not settled by a word on the other job of a race', async () => {
    const raced = new EventEmitter();
    const ended = failing('generation_failed', { outcome: 'ended_billed' });
    const forgotten = failing('request_lost', { provider: 'fal', outcome: 'gone' });
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (call === 1) await once(raced, 'joined');
      return await inTurn(broken, hangs, hangs, ended, ok)(job, call, context);
    });
    const fal = new FakeProvider('fal', async (job, call, context) => {
      if (call === 1) raced.emit('joined');
      return await inTurn(broken, forgotten, ok)(job, call, context);
    });
    await harness.withProviders([modal, fal], async () => {
      const handle: WorkflowHandle = await harness.start(studio({ unknownOutcome: 'hold', hedge: true }));
      let slot: SlotState | undefined;
      await waitUntil(async () => {
        slot = (await handle.query<GenerationState>('progress')).slots[0];
        return slot?.attempts.some(({ errorCode }) => errorCode === 'generation_failed') === true;
      });
      expect(slot).toMatchObject({ status: 'needs_decision', decision: { provider: 'fal' } });
      expect([jobsOf(modal), jobsOf(fal)]).toEqual([1, 1]);
      await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'give_up' }] });
      await handle.result();
      expect([modal.jobs.length, fal.jobs.length]).toEqual([4, 2]);
    });
  });

  it('is no question while the other job of a race may still give its picture', async () => {
    const raced = new EventEmitter();
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (call > 1) return await hangs(job, call, context);
      await once(raced, 'joined');
      return await broken(job, call, context);
    });
    modal.chargeOfStop = 'none';
    const fal = new FakeProvider('fal', async (job, call, context) => {
      if (call > 1) return await ok(job, call, context);
      raced.emit('joined');
      return await broken(job, call, context);
    });

    const { slots, generationId } = await run([modal, fal], studio({ unknownOutcome: 'hold', hedge: true }));

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
    expect([jobsOf(modal), jobsOf(fal)]).toEqual([1, 1]);
    const saves = harness.saves.filter((saved) => saved.generationId === generationId);
    expect(saves.some(({ slots: saved }) => saved[0]?.status === 'needs_decision')).toBe(false);
  });
});

describe('submits that only a gateway answered for, with unknownOutcome: hold', () => {
  it("are a person's to count: six of them do not end a slot that sends nothing more", async () => {
    const gateway = failing('bad_gateway', { outcome: 'nobody_knows', status: 502 });
    const modal = new FakeProvider('modal', gateway);
    await harness.withProviders([modal], async () => {
      const strict = { modelId: 'modal-flux-dev', strict: true };
      const handle: WorkflowHandle = await harness.start(studio({ ...strict, unknownOutcome: 'hold' }));
      const slotNow = async () => (await handle.query<GenerationState>('progress')).slots[0];
      for (let asked = 1; asked <= 6; asked += 1) {
        await waitUntil(async () => {
          const slot = await slotNow();
          return slot?.status === 'needs_decision' && slot.attempts.length === asked;
        });
        if (asked === 6) modal.isHealthy = false;
        await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'resubmit' }] });
      }
      await waitUntil(async () => (await slotNow())?.status === 'waiting');
      expect((await slotNow())?.attempts.at(-1)?.errorCode).toBe('provider_unwell');
      await handle.terminate('end of the test');
    });
  });
});

describe('a job whose queue never moved', () => {
  it('was cancelled at the provider, costs nothing, and the next candidate is asked at once', async () => {
    const stuck: Answer = async (job, call, context) => {
      await context.dispatch.intent();
      await context.dispatch.accepted({ request: call });
      const free = { outcome: 'ended_free', charge: 'none' } as const;
      const cancelled = failing('queue_timeout', free);
      return await cancelled(job, call, context);
    };
    const modal = new FakeProvider('modal', stuck);
    const fal = new FakeProvider('fal', ok);

    const { slots } = await run([modal, fal], studio());

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal', atRiskUsd: 0 });
    expect(slots[0]?.attempts).toMatchObject([
      { errorCode: 'queue_timeout', certainty: 'accepted', costUsd: 0 },
      { outcome: 'succeeded' },
    ]);
    expect(modal.jobs).toHaveLength(1);
  });
});

describe('jobs taken back from a queue that bills them', () => {
  it('count towards the limit of paid attempts', async () => {
    const fal = new FakeProvider('fal', async (job, call, context) => {
      if (call > 10) return await ok(job, call, context);
      await context.dispatch.intent();
      const billed = { outcome: 'ended_billed', charge: 'price' } as const;
      return await failing('queue_timeout', { ...billed, provider: 'fal' })(job, call, context);
    });

    const { slots } = await run([fal], studio({ modelProvider: 'fal', strict: true }));

    expect(slots[0]?.error?.code).toBe('paid_attempt_limit');
    expect(fal.jobs).toHaveLength(6);
  });
});

describe('an accepted job that cannot be reached for a moment', () => {
  it('is collected by its handle, and never submitted again', async () => {
    const word = new EventEmitter();
    const collected = once(word, 'collected');
    const modal = new FakeProvider('modal', async (job, call, context) => {
      const { previous } = context.dispatch;
      if (previous.phase === 'accepted') {
        word.emit('collected', previous.handle);
        return picture(job);
      }
      await context.dispatch.intent();
      await context.dispatch.accepted({ request: 'r-1' });
      const away = failing('connection_lost', { outcome: 'unreachable' });
      return await away(job, call, context);
    });

    const { slots } = await run([modal], studio({ unknownOutcome: 'hold' }));

    expect(await collected).toEqual([{ request: 'r-1' }]);
    expect(slots[0]).toMatchObject({ status: 'completed', costUsd: priceUsd, atRiskUsd: 0 });
    expect(jobsOf(modal)).toBe(1);
  });
});

describe('an accepted job that hangs again and again', () => {
  it('is paid for once more elsewhere, and what it cost is settled when it is stopped', async () => {
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (context.dispatch.previous.phase === 'none') {
        await context.dispatch.intent();
        await context.dispatch.accepted({ request: 'r-1' });
      }
      const hangs = { outcome: 'still_there' } as const;
      return await failing('deadline_exceeded', hangs)(job, call, context);
    });

    modal.chargeOfStop = { usd: 0.0123 };
    const { slots } = await run([modal, new FakeProvider('fal', ok)], studio());

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal', atRiskUsd: 0 });
    expect(slots[0]?.attempts.map(({ costUsd }) => costUsd ?? 0)).toContain(0.0123);
    expect([jobsOf(modal), modal.jobs.length]).toEqual([1, 2]);
  });
});

async function detailsOf(handle: WorkflowHandle): Promise<string> {
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails;
}
