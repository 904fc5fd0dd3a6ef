import { EventEmitter, once } from 'node:events';
import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createGenerateMedia } from '../../src/activities/generate-media';
import type {
  DispatchNote,
  DispatchState,
  GenerateMediaFailure,
  GenerateMediaInput,
  GenerateMediaResult,
} from '../../src/domain/dispatch';
import type { JsonValue } from '../../src/domain/taxonomy';
import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { Stopped } from '../../src/providers/types';
import { candidate, health } from './call-input';
import { failing, FakeProvider, hanging, lost, picture, type Answer } from '../support/fake-provider';
import { waitUntil } from '../support/wait-until';

const input: GenerateMediaInput = {
  generationId: 'g1',
  slot: 1,
  jobKey: 'g1/slot-1/1',
  candidate,
  previous: { phase: 'none' },
  deadlineAt: '2126-11-22T10:00:00.000Z',
};
const handle = { requestId: 'r1' };
const kept = { phase: 'accepted', handle };
const unbooked = {};
/** Expected failures are asserted, not read in a log. */
const quiet = new DefaultLogger('ERROR', () => undefined);

describe('generateMedia', () => {
  it('stores the intent before a submit and the handle after it, with the server', async () => {
    const { environment, stored, run } = activity(async (job, _call, { dispatch }) => {
      await dispatch.intent();
      expect(stored.at(-1)?.dispatch).toEqual({ phase: 'intent' });
      await dispatch.accepted({ requestId: 'r1' });
      return picture(job);
    });
    let throttled = 0;
    environment.on('heartbeat', () => (throttled += 1));
    await run();

    expect(stored.map(({ dispatch }) => dispatch)).toEqual([
      { phase: 'intent' },
      { phase: 'accepted', handle: { requestId: 'r1' } },
    ]);
    expect(throttled).toBe(0);
  });

  it.each([
    ['where its provider goes by that', true],
    ['never where it does not', undefined],
  ])('notes that a job is the only one of its key %s', async (_case, byKey) => {
    const modal = new FakeProvider('modal', async (job, _call, { dispatch }) => {
      await dispatch.intent({ key: job.jobKey });
      await dispatch.accepted({ requestId: 'r1' });
      return picture(job);
    });
    modal.goesByKey = () => byKey === true;
    const stored: DispatchNote[] = [];
    const environment = new MockActivityEnvironment(
      { attempt: 1 },
      { client: fakeClient(stored), logger: quiet },
    );
    const generateMedia = createGenerateMedia({ clients: { modal }, media: noMedia, health });

    const { trail } = await environment.run<[GenerateMediaInput], GenerateMediaResult, typeof generateMedia>(
      generateMedia,
      input,
    );

    expect(stored.map(({ dispatch }) => dispatch)).toMatchObject([
      { phase: 'intent', ...(byKey && { byKey }) },
      { phase: 'accepted', ...(byKey && { byKey }) },
    ]);
    expect(trail.map((attempt) => attempt.byKey)).toEqual([byKey]);
  });

  it('tells the client what earlier calls of the job left behind', async () => {
    const previous = { phase: 'accepted', handle: { requestId: 'r1' } } as const;
    const { run } = activity(
      (job, _call, { dispatch }) => {
        expect(dispatch.previous).toEqual(previous);
        return Promise.resolve(picture(job));
      },
      { attempt: 1 },
      { ...input, previous },
    );

    expect((await run()).trail).toMatchObject([{ number: 1, outcome: 'succeeded' }]);
  });

  it.each([
    ['a connection lost before an answer', { outcome: 'nobody_knows' }, { phase: 'none' }],
    ['a gateway that lost patience', { outcome: 'nobody_knows', status: 504 }, { phase: 'none' }],
    ['a gateway whose service is gone', { outcome: 'nobody_knows', status: 502 }, { phase: 'none' }],
    ['a fault of ours', { outcome: 'nobody_knows', code: 'internal_error' }, { phase: 'intent' }],
    ['a connection that was refused', { outcome: 'nothing_sent' }, { phase: 'none' }],
  ] as const)('says what the next call must know after %s', async (_case, options, dispatch) => {
    const { run } = activity(async (job, call, context) => {
      await context.dispatch.intent();
      return failing('transient', options)(job, call, context);
    });

    expect((await failureOf(run())).details?.[0]).toMatchObject({ dispatch });
  });

  it.each([
    ['our credential was refused', 'auth', {}, true],
    ['an answer nobody recognises', 'transient', {}, true],
    ['the job failed', 'transient', { outcome: 'ended_billed' }, false],
  ] as const)(
    'keeps the handle of an accepted job unless it is over: %s',
    async (_case, kind, options, isKept) => {
      const { run } = activity(async (job, call, context) => {
        await context.dispatch.accepted({ requestId: 'r1' });
        return failing(kind, { outcome: 'still_there', ...options })(job, call, context);
      });
      const failure = await failureOf(run());

      expect(failure.nonRetryable).toBe(true);
      expect(failure.details?.[0]).toMatchObject({ dispatch: { phase: isKept ? 'accepted' : 'none' } });
    },
  );

  it.each([
    ['its own figure', 0.031, { costUsd: 0.031, costEstimated: false }],
    ['the price table where it gives none', undefined, { costUsd: 0.02, costEstimated: true }],
    ['the price table where no call could cost that', 99_999, { costUsd: 0.02, costEstimated: true }],
  ])('books for a picture %s', async (_case, reported, cost) => {
    const { run } = activity((job) => Promise.resolve(picture(job, reported)));
    expect(await run()).toMatchObject(cost);
  });

  it('sends no new job to a provider that asked another one to stay away, unless a person insists', async () => {
    busyMs = 25_000;
    const never = (): Promise<never> => Promise.reject(new Error('never called'));
    const told = await failureOf(activity(never).run());
    const insisting = await activity(
      (job) => Promise.resolve(picture(job)),
      { attempt: 1 },
      { ...input, isUrged: true },
    ).run();
    const accepted = { phase: 'accepted', handle: { requestId: 'r1' } } as const;
    const collecting = await activity(
      (job) => Promise.resolve(picture(job)),
      { attempt: 1 },
      { ...input, previous: accepted },
    ).run();
    busyMs = 0;

    expect(told).toMatchObject({ type: 'capacity', nonRetryable: false });
    const { code, outcome, retryAfterSeconds = 0 } = told.details?.[0] as GenerateMediaFailure;
    expect([code, outcome]).toEqual(['provider_busy', 'nothing_sent']);
    // Those that wait do not all come back in the same instant.
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(25);
    expect(retryAfterSeconds).toBeLessThanOrEqual(28);
    expect([insisting, collecting]).toMatchObject([{ costEstimated: true }, { costEstimated: true }]);
  });

  it.each([
    ['is well', { healthy: true }, {}, true],
    ['is silent', { healthy: false, isSilent: true }, {}, 'provider_silent'],
    ['is not well', { healthy: false }, {}, 'provider_unwell'],
    ['is not well, and a person urges us', { healthy: false }, { isUrged: true }, 'provider_unwell'],
  ] as const)(
    'asks the app first where earlier submits are in doubt, and submits or not: it %s',
    async (_case, found, own, result) => {
      const modal = new FakeProvider('modal');
      const asked: (string | undefined)[] = [];
      modal.checkHealth = ({ app }) => {
        asked.push(app);
        return Promise.resolve({ ...found, detail: 'answered 502' });
      };
      const generateMedia = createGenerateMedia({ clients: { modal }, media: noMedia, health });
      const environment = new MockActivityEnvironment(
        { attempt: 1 },
        { client: fakeClient([]), logger: quiet },
      );
      const running = environment.run(generateMedia, { ...input, asksFirst: true, ...own });

      if (result === true) expect(await running).toMatchObject({ costEstimated: true });
      else {
        const failure = await failureOf(running);
        expect(failure).toMatchObject({ type: 'outage', nonRetryable: true });
        expect(failure.message).toContain('answered 502');
        expect(failure.details?.[0]).toMatchObject({ code: result, outcome: 'nothing_sent' });
      }
      expect(modal.jobs).toHaveLength(result === true ? 1 : 0);
      expect(asked).toEqual(['ryla-flux']);
    },
  );

  it('keeps a lost submit in mind when the look-up could not be made', async () => {
    const { run } = activity(failing('outage'), { attempt: 1 }, { ...input, previous: { phase: 'intent' } });

    expect((await failureOf(run())).details?.[0]).toMatchObject({ dispatch: { phase: 'intent' } });
  });

  it('forgets the clue of a submit of which nobody will ever know, and no other', async () => {
    const previous = { phase: 'intent', clue: { sentAt: 'then' } } as const;
    const look = async (code: 'outcome_unknown' | 'not_found_yet') => {
      const { run } = activity(
        failing(code, { outcome: 'nobody_knows' }),
        { attempt: 1 },
        { ...input, previous },
      );
      return (await failureOf(run())).details?.[0] as GenerateMediaFailure;
    };

    expect((await look('outcome_unknown')).dispatch).toEqual({ phase: 'intent' });
    expect((await look('not_found_yet')).dispatch).toEqual(previous);
  });

  it('sends nothing to a provider that is known to be down, nor after the deadline', async () => {
    downSince = '2026-11-22T10:00:00.000Z';
    const down = activity(() => Promise.reject(new Error('never called')));
    const failure = await failureOf(down.run());
    downSince = undefined;
    expect(failure).toMatchObject({ type: 'outage', nonRetryable: true });
    expect(failure.details?.[0]).toMatchObject({ code: 'provider_down', outcome: 'nothing_sent' });

    downSince = '2026-11-22T10:00:00.000Z';
    // Modal cannot be asked for a lost submit: there is nothing to wait for.
    const moot = activity(lost, { attempt: 1 }, { ...input, previous: { phase: 'intent' } });
    const doubt = await failureOf(moot.run());
    downSince = undefined;
    expect(doubt.details?.[0]).toMatchObject({ code: 'outcome_unknown', dispatch: { phase: 'intent' } });

    const late = activity(
      () => Promise.reject(new Error('never called')),
      { attempt: 1 },
      {
        ...input,
        deadlineAt: '2026-11-22T10:00:00.000Z',
      },
    );
    expect((await failureOf(late.run())).details?.[0]).toMatchObject({ code: 'deadline_passed' });
  });

  it.each([
    ['transient', {}, false],
    ['capacity', { retryAfterMs: 2000 }, false],
    ['capacity', { retryAfterMs: 31_000 }, true],
    ['transient', { outcome: 'nobody_knows' }, true],
    ['corrupt', { outcome: 'useless' }, true],
    ['outage', {}, true],
    ['auth', {}, true],
    ['input', {}, true],
    ['policy', {}, true],
    ['lora', {}, true],
  ] as const)(
    'tells Temporal whether the same provider may be asked again: %s %o',
    async (kind, options, isFinal) => {
      const { run } = activity(failing(kind, { ...options, message: 'why' }));
      const failure = await failureOf(run());

      expect(failure.type).toBe(kind);
      expect(failure.nonRetryable).toBe(isFinal);
      expect(failure.nextRetryDelay).toBe(
        'retryAfterMs' in options && !isFinal ? options.retryAfterMs : undefined,
      );
      expect(failure.message).toBe('modal /flux-dev: why');
      const detail = failure.details?.[0] as GenerateMediaFailure;
      expect(detail).toMatchObject({
        outcome: 'outcome' in options ? options.outcome : 'nothing_sent',
        trail: [{ outcome: 'failed' }],
      });
    },
  );

  it('leaves a submit that was never accepted to the workflow: Temporal could only look for it once more', async () => {
    const never = failing('never_accepted', { outcome: 'nothing_sent' });
    const previous = { phase: 'intent', clue: { jobKey: input.jobKey } } as const;
    const failure = await failureOf(activity(never, { attempt: 1 }, { ...input, previous }).run());

    expect(failure.nonRetryable).toBe(true);
    expect(failure.details?.[0]).toMatchObject({ code: 'never_accepted', dispatch: { phase: 'none' } });
  });

  it('takes its own call over, instead of paying again, when Temporal gave the attempt up meanwhile', async () => {
    const gate = new EventEmitter();
    const modal = new FakeProvider('modal', async (job, _call, { dispatch }) => {
      await dispatch.intent();
      gate.emit('sent');
      await once(gate, 'answered');
      await dispatch.accepted({ requestId: 'r1' });
      return picture(job);
    });
    const generateMedia = createGenerateMedia({ clients: { modal }, media: noMedia, health });
    const [first, second] = [[] as DispatchNote[], [] as DispatchNote[]];
    const attempt = (previous: DispatchState, stored: DispatchNote[]) => {
      const environment = new MockActivityEnvironment(
        { attempt: 1 },
        { client: fakeClient(stored), logger: quiet },
      );
      const tookOver = once(environment, 'heartbeat');
      const result = environment.run<[GenerateMediaInput], GenerateMediaResult, typeof generateMedia>(
        generateMedia,
        { ...input, previous },
      );
      return { tookOver, result };
    };
    const sent = once(gate, 'sent');
    const abandoned = attempt({ phase: 'none' }, first).result;
    await sent;
    const { tookOver, result } = attempt(first[0]!.dispatch, second);
    await tookOver;
    gate.emit('answered');

    expect((await result).trail).toMatchObject([{ number: 1, outcome: 'succeeded' }]);
    await abandoned;
    expect(modal.jobs).toHaveLength(1);
    expect(second.at(-1)?.dispatch).toEqual({ phase: 'accepted', handle: { requestId: 'r1' } });
  });

  it('stores the handle of a job at once only where nothing stored leads to the job yet', async () => {
    const storedBy = async (clue: JsonValue | undefined): Promise<string[]> => {
      const { stored, run } = activity(async (job, _call, { dispatch }) => {
        await dispatch.intent(clue);
        await dispatch.accepted({ key: 'k', url: 'u' }, 'r1');
        return picture(job);
      });
      await run();
      return stored.map(({ dispatch: { phase } }) => phase);
    };

    expect(await storedBy({ url: 'u', key: 'k' })).toEqual(['intent']);
    expect(await storedBy({ key: 'another' })).toEqual(['intent', 'accepted']);
    expect(await storedBy(undefined)).toEqual(['intent', 'accepted']);
  });

  it('goes on with an accepted job whose handle could not be stored', async () => {
    const { environment, run } = activity(async (job, _call, { dispatch }) => {
      await dispatch.intent();
      refuse = true;
      await dispatch.accepted({ requestId: 'r1' });
      return picture(job);
    });
    let beats = 0;
    environment.on('heartbeat', () => (beats += 1));

    expect((await run()).asset.mediaType).toBe('image/jpeg');
    expect(beats).toBeGreaterThan(0);
    refuse = false;
  });

  it('keeps the words of an unexpected error out of the history', async () => {
    const { run } = activity(() => Promise.reject(new Error('secret /srv/path')));
    const failure = await failureOf(run());

    expect(failure.type).toBe('transient');
    expect(JSON.stringify([failure.message, failure.details])).not.toContain('secret');
  });

  it('is stopped by a cancellation and not by a worker that shuts down', async () => {
    const gate = new EventEmitter();
    const { environment, run } = activity(async (job, call, context) => {
      gate.emit('called', context.signal);
      return hanging(job, call, context);
    });
    const called = once(gate, 'called') as Promise<[AbortSignal]>;
    const running = run();
    const [signal] = await called;
    environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
    expect(signal.aborted).toBe(false);

    const other = activity(hanging);
    const cancelled = other.run();
    other.environment.cancel('CANCELLED');
    await expect(cancelled).rejects.toThrow(CancelledFailure);
    signal.dispatchEvent(new Event('abort'));
    await expect(running).rejects.toBeDefined();
  });

  it.each<[string, Stopped, object, object]>([
    ['was taken out of its queue', { kind: 'stopped', charge: 'none' }, { phase: 'none' }, { costUsd: 0 }],
    [
      'was stopped at a cost',
      { kind: 'stopped', charge: { usd: 0.004 } },
      { phase: 'none' },
      { costUsd: 0.004 },
    ],
    [
      'was told to stop, and may have been made',
      { kind: 'stopped', charge: 'price', handle },
      kept,
      unbooked,
    ],
    ['cannot be stopped', { kind: 'unstoppable', handle }, kept, unbooked],
    ['had ended', { kind: 'finished', handle }, kept, unbooked],
    ['may go on', { kind: 'cannot_tell', reason: 'no answer' }, kept, unbooked],
  ])(
    'leaves the way to a cancelled job, and its money, to the clean-up unless it is over: it %s',
    async (_case, answerToStop, dispatch, money) => {
      const modal = new FakeProvider('modal', async (job, call, context) => {
        await context.dispatch.intent();
        await context.dispatch.accepted(handle);
        return await hanging(job, call, context);
      });
      modal.answerToStop = answerToStop;
      const stored: DispatchNote[] = [];
      const environment = new MockActivityEnvironment(
        { attempt: 1 },
        { client: fakeClient(stored), logger: quiet },
      );
      const generateMedia = createGenerateMedia({ clients: { modal }, media: noMedia, health });
      const ended = environment.run(generateMedia, input).catch((error: unknown) => error);
      await waitUntil(() => Promise.resolve(stored.at(-1)?.dispatch.phase === 'accepted'));
      environment.cancel('CANCELLED');

      const failure = await ended;
      if (!(failure instanceof CancelledFailure)) throw new Error('it was not cancelled');
      const [end] = failure.details as [{ dispatch: DispatchState; trail: AttemptRecord[] }];
      const { costUsd, atRiskUsd } = end.trail[0]!;
      expect(end.dispatch).toEqual(dispatch);
      expect({ costUsd, atRiskUsd }).toEqual(money);
    },
  );

  it.each([
    ['is still open, perhaps in another run', () => Promise.resolve({ closeTime: undefined }), false],
    ['was ended', () => Promise.resolve({ closeTime: new Date() }), true],
    ['is unknown', () => Promise.reject(new WorkflowNotFoundError('gone', 'w', undefined)), true],
  ] as const)(
    'asks for its workflow where Temporal has forgotten the call, and is stopped or not: it %s',
    async (_case, describe, isStopped) => {
      const gate = new EventEmitter();
      describeWorkflow = async () => {
        setImmediate(() => gate.emit('asked'));
        return await describe();
      };
      const { environment, run } = activity(async (job, call, context) => {
        gate.emit('called', context.signal);
        return hanging(job, call, context);
      });
      const called = once(gate, 'called') as Promise<[AbortSignal]>;
      const asked = once(gate, 'asked');
      const ended = run().catch((error: unknown) => error);
      const [signal] = await called;
      environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
      await asked;

      expect(signal.aborted).toBe(isStopped);
      if (!isStopped) signal.dispatchEvent(new Event('abort'));
      expect((await ended) instanceof CancelledFailure).toBe(isStopped);
    },
  );

  it('fails clearly when this worker has no client for the provider', async () => {
    const environment = new MockActivityEnvironment(
      { attempt: 1 },
      { client: fakeClient([]), logger: quiet },
    );
    const generateMedia = createGenerateMedia({ clients: {}, media: noMedia, health });
    const failure = await failureOf(environment.run(generateMedia, input));

    expect(failure).toMatchObject({ type: 'auth', nonRetryable: true });
    expect(failure.message).toContain('disabled');
  });
});

/** The fakes neither read nor store. */
const noMedia = () => ({
  open: () => Promise.reject(new Error('unused')),
  save: () => Promise.reject(new Error('unused')),
});

function activity(
  answer: Answer,
  info: { attempt: number; heartbeatDetails?: DispatchNote } = { attempt: 1 },
  argument = input,
) {
  const stored: DispatchNote[] = [];
  const environment = new MockActivityEnvironment(info, { client: fakeClient(stored), logger: quiet });
  const generateMedia = createGenerateMedia({
    clients: { modal: new FakeProvider('modal', answer) },
    media: noMedia,
    health: { ...health, downSince: () => downSince, busyMs: () => busyMs },
  });
  const run = (): Promise<GenerateMediaResult> =>
    environment.run<[GenerateMediaInput], GenerateMediaResult, typeof generateMedia>(generateMedia, argument);
  return { environment, stored, run };
}

/** Since when the provider is known to be down. */
let downSince: string | undefined;
/** How long it asked to be left alone. */
let busyMs = 0;

/** Temporal out of reach. */
let refuse = false;

/** What Temporal says of the workflow that made the call. */
let describeWorkflow: () => Promise<{ closeTime: Date | undefined }> = () =>
  Promise.resolve({ closeTime: undefined });

/** Only the awaited heartbeat and the description of a workflow are used. */
function fakeClient(stored: DispatchNote[]): Client {
  const heartbeat = (_token: Uint8Array, note: DispatchNote): Promise<void> => {
    if (refuse) return Promise.reject(new Error('Temporal is away'));
    stored.push(note);
    return Promise.resolve();
  };
  const withAbortSignal = <T>(_signal: AbortSignal, run: () => Promise<T>): Promise<T> => run();
  const workflow = { getHandle: () => ({ describe: () => describeWorkflow() }) };
  return { activity: { heartbeat }, workflow, withAbortSignal } as unknown as Client;
}

async function failureOf(running: Promise<unknown>): Promise<ApplicationFailure> {
  const failure: unknown = await running.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ApplicationFailure) return failure;
  throw new Error(`expected an ApplicationFailure, got ${String(failure)}`);
}
