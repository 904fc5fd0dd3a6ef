import { EventEmitter, once } from 'node:events';
import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createGenerateMedia } from '../../src/activities/generate-media';
import type {
  DispatchNote,
  GenerateMediaFailure,
  GenerateMediaInput,
  GenerateMediaResult,
} from '../../src/domain/dispatch';
import type { PlannedCandidate } from '../../src/domain/plan';
import { failing, FakeProvider, hanging, picture, type Answer } from '../support/fake-provider';

const candidate: PlannedCandidate = {
  modelId: 'modal-flux-dev',
  provider: 'modal',
  endpoint: '/flux-dev',
  app: 'ryla-flux',
  eligible: true,
  reason: 'first choice',
  identity: 'none',
  priceUsd: 0.02,
  typicalSeconds: 37,
  parameters: { prompt: 'a red door', seed: 7 },
  inputs: [],
  mediaKind: 'image',
  policy: {
    name: 'test',
    startToCloseSeconds: 60,
    scheduleToStartSeconds: 60,
    heartbeatSeconds: 30,
    retry: { initialSeconds: 1, backoffCoefficient: 2, maximumSeconds: 30, maximumAttempts: 3 },
    http: { connectSeconds: 1, firstByteSeconds: 1, idleSeconds: 1, queueSeconds: 1, totalSeconds: 1 },
  },
};
const input: GenerateMediaInput = { generationId: 'g1', slot: 1, jobKey: 'g1/slot-1/1', candidate };
/** Expected failures are asserted, not read in a log. */
const quiet = new DefaultLogger('ERROR', () => undefined);
const startedAt = '2026-11-22T10:00:00.000Z';

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

  it('gives the next attempt the handle of a lost worker, and the lost attempt its place in the trail', async () => {
    const note: DispatchNote = {
      attempt: 1,
      startedAt,
      dispatch: { phase: 'accepted', handle: { requestId: 'r1' } },
      trail: [],
      resumes: 0,
    };
    const { run } = activity(
      (job, _call, { dispatch }) => {
        expect(dispatch.previous).toEqual({ phase: 'accepted', handle: { requestId: 'r1' } });
        return Promise.resolve(picture(job));
      },
      { attempt: 2, heartbeatDetails: note },
    );
    const { trail } = await run();

    expect(trail).toMatchObject([
      { number: 1, outcome: 'failed', errorCode: 'worker_lost', certainty: 'accepted', startedAt },
      { number: 2, outcome: 'succeeded' },
    ]);
  });

  it('says that the outcome is unknown when the worker died between intent and answer', async () => {
    const note: DispatchNote = {
      attempt: 1,
      startedAt,
      dispatch: { phase: 'intent' },
      trail: [],
      resumes: 0,
    };
    const { run } = activity((job) => Promise.resolve(picture(job)), { attempt: 2, heartbeatDetails: note });
    const { trail } = await run();

    expect(trail[0]).toMatchObject({ errorCode: 'worker_lost', certainty: 'unknown', possibleCostUsd: 0.02 });
  });

  it('hands a handle over only when it can still give the result', async () => {
    const acceptThen = (answer: Answer): Answer => {
      return async (job, call, context) => {
        await context.dispatch.accepted({ requestId: 'r1' });
        return answer(job, call, context);
      };
    };
    const download = failing('transient', { certainty: 'accepted', resumable: true });
    const resumable = activity(acceptThen(download));
    await expect(resumable.run()).rejects.toThrow(ApplicationFailure);
    expect(resumable.stored.at(-1)).toMatchObject({
      dispatch: { phase: 'accepted' },
      trail: [{ number: 1, errorClass: 'transient' }],
    });

    const lost = activity(acceptThen(failing('transient', { certainty: 'accepted' })));
    await expect(lost.run()).rejects.toThrow(ApplicationFailure);
    expect(lost.stored.at(-1)?.dispatch).toEqual({ phase: 'none' });
  });

  it.each([
    ['transient', {}, false],
    ['capacity', { retryAfterMs: 2000 }, false],
    ['capacity', { retryAfterMs: 31_000 }, true],
    ['corrupt', {}, false],
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
        failureClass: kind,
        certainty: 'not_sent',
        trail: [{ outcome: 'failed' }],
      });
    },
  );

  it('does not ask a third time for what was broken twice', async () => {
    const record = {
      number: 1,
      provider: 'modal',
      endpoint: '/flux-dev',
      outcome: 'failed',
      startedAt,
      seconds: 1,
    } as const;
    const note: DispatchNote = {
      attempt: 1,
      startedAt,
      dispatch: { phase: 'none' },
      trail: [{ ...record, errorClass: 'corrupt', errorCode: 'truncated', certainty: 'accepted' }],
      resumes: 0,
    };
    const { run } = activity(failing('corrupt'), { attempt: 2, heartbeatDetails: note });

    expect((await failureOf(run())).nonRetryable).toBe(true);
  });

  it('goes on asking for an accepted job where another provider would be paid for it again', async () => {
    const unreachable: Answer = async (job, call, context) => {
      await context.dispatch.accepted({ requestId: 'r1' });
      return failing('outage', { certainty: 'accepted', resumable: true })(job, call, context);
    };
    const patient = await failureOf(activity(unreachable).run());
    expect(patient.nonRetryable).toBe(false);
    expect(patient.details?.[0]).toMatchObject({ handle: { requestId: 'r1' } });

    const note: DispatchNote = {
      attempt: 8,
      startedAt,
      dispatch: { phase: 'accepted', handle: { requestId: 'r1' } },
      trail: [],
      resumes: 8,
    };
    const tired = await failureOf(activity(unreachable, { attempt: 9, heartbeatDetails: note }).run());
    expect(tired.nonRetryable).toBe(true);
  });

  it('collects the job that an earlier round had to leave', async () => {
    const { run } = activity(
      (job, _call, { dispatch }) => {
        expect(dispatch.previous).toEqual({ phase: 'accepted', handle: { requestId: 'r1' } });
        return Promise.resolve(picture(job));
      },
      { attempt: 1 },
      { ...input, handle: { requestId: 'r1' } },
    );

    expect((await run()).trail).toMatchObject([{ number: 1, outcome: 'succeeded' }]);
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
    const generateMedia = createGenerateMedia({ clients: { modal }, media: noMedia });
    const [first, second] = [[] as DispatchNote[], [] as DispatchNote[]];
    const attempt = (info: { attempt: number; heartbeatDetails?: DispatchNote }, stored: DispatchNote[]) => {
      const environment = new MockActivityEnvironment(info, { client: fakeClient(stored), logger: quiet });
      const tookOver = once(environment, 'heartbeat');
      const result = environment.run<[GenerateMediaInput], GenerateMediaResult, typeof generateMedia>(
        generateMedia,
        input,
      );
      return { tookOver, result };
    };
    const sent = once(gate, 'sent');
    const abandoned = attempt({ attempt: 1 }, first).result;
    await sent;
    const { tookOver, result } = attempt({ attempt: 2, heartbeatDetails: first[0]! }, second);
    await tookOver;
    gate.emit('answered');

    expect((await result).trail).toMatchObject([
      { number: 1, errorCode: 'out_of_touch', certainty: 'not_sent' },
      { number: 2, outcome: 'succeeded' },
    ]);
    await abandoned;
    expect(modal.jobs).toHaveLength(1);
    expect(second.at(-1)?.dispatch).toEqual({ phase: 'accepted', handle: { requestId: 'r1' } });
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

  it('fails clearly when this worker has no client for the provider', async () => {
    const environment = new MockActivityEnvironment(
      { attempt: 1 },
      { client: fakeClient([]), logger: quiet },
    );
    const generateMedia = createGenerateMedia({ clients: {}, media: noMedia });
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
  });
  const run = (): Promise<GenerateMediaResult> =>
    environment.run<[GenerateMediaInput], GenerateMediaResult, typeof generateMedia>(generateMedia, argument);
  return { environment, stored, run };
}

/** Temporal out of reach. */
let refuse = false;

/** Only the awaited heartbeat of the real client is used. */
function fakeClient(stored: DispatchNote[]): Client {
  const heartbeat = (_token: Uint8Array, note: DispatchNote): Promise<void> => {
    if (refuse) return Promise.reject(new Error('Temporal is away'));
    stored.push(note);
    return Promise.resolve();
  };
  const withAbortSignal = <T>(_signal: AbortSignal, run: () => Promise<T>): Promise<T> => run();
  return { activity: { heartbeat }, withAbortSignal } as unknown as Client;
}

async function failureOf(running: Promise<unknown>): Promise<ApplicationFailure> {
  const failure: unknown = await running.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ApplicationFailure) return failure;
  throw new Error(`expected an ApplicationFailure, got ${String(failure)}`);
}
