import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../src/domain/canonical-json';
import type { JsonValue } from '../../../src/domain/taxonomy';
import type { FalCallbacks, FalClientSettings } from '../../../src/providers/fal/client';
import type { FalClue } from '../../../src/providers/fal/wire';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderJob } from '../../../src/providers/types';
import { providerErrorOf, testCall } from '../support/call';
import { resetConnection, sendJson } from '../support/local-server';
import { falJob, inTurn, listPath, LocalFal, requestPath, type Answers } from './local-fal';

const fal = new LocalFal();
const { signal } = new AbortController();

afterEach(async () => {
  await fal.close();
});

const submitLine = 'POST /queue/fal-ai/flux/dev';
const listLine = `GET ${listPath}`;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const sha256 = (value: unknown) => createHash('sha256').update(canonicalJson(value)).digest('hex');

/** What the submit of the test job left, so many seconds ago. */
function clueOf(seconds: number): FalClue {
  return { sentAt: ago(seconds), inputSha256: sha256(falJob.parameters) };
}

/** A request as Fal lists it; by default the one of the test job, sent just now. */
function listed(id: string, fields: Record<string, unknown> = {}) {
  const times = { sent_at: ago(0), started_at: ago(0), ended_at: ago(0) };
  const payload = { json_input: falJob.parameters, json_output: {} };
  return { request_id: id, endpoint_id: falJob.endpoint, status_code: 200, ...times, ...payload, ...fields };
}

const page = (items: unknown[], next?: string) => ({
  items,
  next_cursor: next ?? null,
  has_more: next !== undefined,
});
const lostSubmit: Answers = { [submitLine]: (response) => resetConnection(response.req.socket) };

const knownSince = ago(30);

function callbacks(known: { requestId?: string; taken?: string[] } = {}): FalCallbacks {
  return {
    claim: () => Promise.resolve(),
    lookUp: () =>
      Promise.resolve(known.requestId === undefined ? undefined : { requestId: known.requestId, knownSince }),
    takenByOthers: () => Promise.resolve(known.taken ?? []),
  };
}

/** What Fal's list says of a submit of so many seconds ago. */
async function find(
  items: unknown[],
  {
    seconds = 1,
    job = falJob,
    settings = {},
  }: { seconds?: number; job?: ProviderJob; settings?: Partial<FalClientSettings> },
) {
  const client = await fal.start({ [listLine]: inTurn([200, page(items)]) }, settings);
  return await client.find(job, clueOf(seconds), { signal });
}

describe('a submit to Fal without an answer', () => {
  it('leaves a clue of its time and its input, and nothing of what the input says', async () => {
    const client = await fal.start({ [listLine]: inTurn([200, page([])]) });
    const call = testCall();
    await runJob(client, falJob, call.context);
    expect(call.dispatch.clue).toEqual({
      sentAt: expect.any(String) as unknown,
      inputSha256: sha256(JSON.parse(fal.submits()[0]?.body ?? '')),
    });
  });

  it('is found by its input in the list of requests that ended, over all its pages, and collected', async () => {
    const others = [listed('o1', { json_input: { prompt: 'a blue door' } })];
    const client = await fal.start({
      ...lostSubmit,
      [listLine]: (response, { path }) => {
        const cursor = new URL(path, fal.url).searchParams.get('cursor');
        sendJson(response, 200, cursor === null ? page(others, 'Mg==') : page([listed('r1')]));
      },
    });
    const call = testCall();
    const result = await runJob(client, falJob, call.context);
    expect(result).toMatchObject({ assets: [{ mediaType: 'image/png' }], providerRequestId: 'r1' });
    expect(fal.submits()).toHaveLength(1);
    // Once more when the connection has broken off.
    expect(call.dispatch.notes).toMatchObject(['intent', 'intent', { accepted: fal.handle() }]);
    const [, first, second] = fal.asked(listPath);
    expect(Object.fromEntries(first ?? [])).toMatchObject({
      ...{ endpoint_id: 'fal-ai/flux/dev', expand: 'payloads', limit: '100' },
      ...{ start: expect.stringMatching(/Z$/) as unknown, end: expect.stringMatching(/Z$/) as unknown },
    });
    expect(second?.get('cursor')).toBe('Mg==');
    const reach = Date.parse(first?.get('end') ?? '') - Date.parse(first?.get('start') ?? '');
    // A minute of clock to each side.
    expect(reach).toBeGreaterThanOrEqual(120_000);
  });

  it.each([
    ['fal-ai/bytedance/seedream/v4.5/text-to-image', 'fal-ai/bytedance'],
    ['workflows/acme/portrait/fast', 'workflows/acme/portrait'],
  ])("builds the URLs of a request to %s by Fal's own rule", async (endpoint, app) => {
    const found = await find([listed('r7')], { job: { ...falJob, endpoint } });
    const own = `${fal.url}/queue/${app}/requests/r7`;
    expect(found).toMatchObject({
      kind: 'accepted',
      handle: {
        requestId: 'r7',
        statusUrl: `${own}/status`,
        responseUrl: own,
        cancelUrl: `${own}/cancel`,
        endpoint,
      },
    });
  });

  it('stays in doubt while it may still run, and is asked for ever more rarely', async () => {
    const client = await fal.start({ ...lostSubmit, [listLine]: inTurn([200, page([])]) });
    const first = testCall();
    expect(await providerErrorOf(runJob(client, falJob, first.context))).toMatchObject({
      ...{ code: 'connection_lost', certainty: 'unknown' },
    });
    const later = testCall({ previous: first.dispatch.state });
    expect(await providerErrorOf(runJob(client, falJob, later.context))).toMatchObject({
      ...{ code: 'not_found_yet', certainty: 'unknown', retryAfterMs: 1000 },
    });
    expect(fal.submits()).toHaveLength(1);
    const old = await client.find(falJob, clueOf(90), { signal });
    expect(old).toMatchObject({ kind: 'cannot_tell', askAgainSeconds: expect.closeTo(30, 0) as unknown });
  });

  it('was never accepted once the longest time it may take has gone by', async () => {
    // 20 s to be sent, 20 s to arrive, 15 s in the queue, 25 s in all, and two minutes for the list.
    expect(await find([], { seconds: 195 })).toMatchObject({ kind: 'cannot_tell' });
    await fal.close();
    expect(await find([], { seconds: 205 })).toEqual({ kind: 'never' });
    await fal.close();
    // The time to be sent and to arrive comes on top of a figure of one's own.
    const settings = { settleSeconds: 10 };
    expect(await find([], { seconds: 45, settings })).toMatchObject({ kind: 'cannot_tell' });
    await fal.close();
    expect(await find([], { seconds: 51, settings })).toEqual({ kind: 'never' });
  });

  it('was never accepted without the time to arrive, where its connection is known to be over', async () => {
    const client = await fal.start({ ...lostSubmit, [listLine]: inTurn([200, page([])]) });
    const call = testCall();
    await providerErrorOf(runJob(client, falJob, call.context));
    const { clue } = call.dispatch;
    expect(clue).toMatchObject({ closedAt: expect.any(String) as unknown });

    // 5 s for what a gateway still passes on, 40 s in the queue and in all, and two minutes for the list.
    const after = (seconds: number) => {
      const at = (date: string) => new Date(Date.parse(date) - seconds * 1000).toISOString();
      const { sentAt, closedAt, inputSha256 } = clue as Record<string, string>;
      const aged = { inputSha256: inputSha256!, sentAt: at(sentAt!), closedAt: at(closedAt!) };
      return client.find(falJob, aged, { signal });
    };
    expect(await after(160)).toMatchObject({ kind: 'cannot_tell' });
    expect(await after(170)).toEqual({ kind: 'never' });
  });

  it('is paid again by nobody before that: the call that learns it sends nothing and says so', async () => {
    const client = await fal.start({ [listLine]: inTurn([200, page([])]) });
    const call = testCall({ previous: { phase: 'intent', clue: clueOf(1000) } });
    const error = await providerErrorOf(runJob(client, falJob, call.context));
    expect(error).toMatchObject({ code: 'never_accepted', certainty: 'not_sent' });
    expect(call.dispatch.notes).toEqual(['undone']);
    expect(fal.received).toEqual([]);
  });

  it.each<[string, unknown[], Partial<ProviderJob>, FalCallbacks | undefined]>([
    [
      'another input',
      [listed('o1', { sent_at: ago(600), json_input: { ...falJob.parameters, seed: 1 } })],
      {},
      undefined,
    ],
    [
      'an earlier job of the slot',
      [listed('o1', { sent_at: ago(600) })],
      { knownRequestIds: ['o1'] },
      undefined,
    ],
    ['another job of ours', [listed('o1', { sent_at: ago(600) })], {}, callbacks({ taken: ['o1'] })],
    ['the same input, an hour before', [listed('o1', { sent_at: ago(3600) })], {}, undefined],
    [
      'the same input, sent later than ours can have been',
      [listed('o1', { sent_at: ago(10) })],
      {},
      undefined,
    ],
  ])('is not taken for %s', async (_name, items, fields, known) => {
    const settings = { settleSeconds: 100, callbacks: known };
    const job = { ...falJob, ...fields };
    expect(await find(items, { seconds: 600, job, settings })).toEqual({ kind: 'never' });
  });

  it('is the earliest of several that nobody else has', async () => {
    const items = [
      listed('o3', { sent_at: ago(2) }),
      listed('o2', { sent_at: ago(3) }),
      listed('o1', { sent_at: ago(4) }),
    ];
    const settings = { callbacks: callbacks({ taken: ['o1'] }) };
    expect(await find(items, { seconds: 5, settings })).toMatchObject({ providerRequestId: 'o2' });
  });

  it.each([{ json_input: null }, { json_input: undefined }])(
    'is never called lost where Fal keeps no inputs: %j',
    async (fields) => {
      const items = [listed('o1', { sent_at: ago(600), ...fields })];
      expect(await find(items, { seconds: 600, settings: { settleSeconds: 100 } })).toMatchObject({
        kind: 'cannot_tell',
      });
    },
  );

  it('keeps why Fal could not be asked, and stays in doubt', async () => {
    const client = await fal.start({ [listLine]: inTurn([502, 'gateway']) });
    const bad = await client.find(falJob, clueOf(1), { signal }).catch((error: unknown) => error);
    expect(bad).toMatchObject({ code: 'bad_gateway', status: 502, certainty: 'unknown', endsJob: false });
    await fal.close();
    const down = await client.find(falJob, clueOf(1), { signal }).catch((error: unknown) => error);
    expect(down).toMatchObject({ code: 'connection_refused', certainty: 'unknown', endsJob: false });
  });

  it('is known by its call-back before any list is asked, and also where the list cannot be read', async () => {
    const client = await fal.start({}, { callbacks: callbacks({ requestId: 'r1' }) });
    const call = testCall({ previous: { phase: 'intent', clue: clueOf(1) } });
    const result = await runJob(client, falJob, call.context);
    expect(result.providerRequestId).toBe('r1');
    expect(fal.submits()).toEqual([]);
    expect(fal.asked(listPath)).toEqual([]);
  });

  it('is looked for in the list where the call-backs cannot be read', async () => {
    const broken = { ...callbacks(), lookUp: () => Promise.reject(new Error('the database is down')) };
    expect(await find([listed('r1')], { settings: { callbacks: broken } })).toMatchObject({
      ...{ kind: 'accepted', providerRequestId: 'r1' },
    });
  });

  it('stays in doubt where nobody can say whose requests they are', async () => {
    const broken = { ...callbacks(), takenByOthers: () => Promise.reject(new Error('the database is down')) };
    const outcome = await find([listed('o1')], { settings: { callbacks: broken } }).catch(
      (error: unknown) => error,
    );
    expect(outcome).toMatchObject({ certainty: 'unknown', endsJob: false });
  });
});

describe('a job that a run before a reset has submitted', () => {
  it('is collected, and not paid again', async () => {
    const client = await fal.start({ ...lostSubmit }, { callbacks: callbacks({ requestId: 'r1' }) });
    const call = testCall();
    const result = await runJob(client, falJob, call.context);

    expect(result.providerRequestId).toBe('r1');
    expect(fal.submits()).toEqual([]);
    const handle = { ...fal.handle(), queuedSince: knownSince, foundByKey: true };
    expect(call.dispatch.notes).toEqual([{ accepted: handle }]);
    expect(client.goesByKey?.(handle)).toBe(true);
  });

  it.each<[string, FalCallbacks, Partial<ProviderJob>]>([
    ['is not on record', callbacks(), {}],
    ['is known to be another job of the slot', callbacks({ requestId: 'r0' }), { knownRequestIds: ['r0'] }],
    [
      'cannot be looked up',
      { ...callbacks(), lookUp: () => Promise.reject(new Error('the database is down')) },
      {},
    ],
  ])('is submitted anew where it %s, and its key names no single job then', async (_case, known, fields) => {
    const client = await fal.start({}, { callbacks: known });
    const call = testCall();
    await runJob(client, { ...falJob, ...fields }, call.context);

    expect(fal.submits()).toHaveLength(1);
    expect(client.goesByKey?.(fal.handle())).toBe(false);
  });
});

describe('a key that may not list requests', () => {
  it.each([401, 403])('is told once (%d), and its submits leave no clue', async (status) => {
    const told: number[] = [];
    const client = await fal.start(
      { [listLine]: inTurn([status, {}]) },
      { onCannotList: (answer) => void told.push(answer) },
    );
    await client.checkListing();
    expect(told).toEqual([status]);
    for (const call of [testCall(), testCall()]) {
      await runJob(client, falJob, call.context);
      expect(call.dispatch.notes).toMatchObject(['intent', { accepted: {} }]);
      expect(call.dispatch.clue).toBeUndefined();
    }
    expect(fal.asked(listPath)).toHaveLength(1);
    await expect(client.find(falJob, clueOf(1), { signal })).rejects.toMatchObject({ status });
    expect(told).toEqual([status]);
  });

  describe('but has call-backs', () => {
    const start = (known: FalCallbacks, answers: Answers = {}) =>
      fal.start(answers, { publicBaseUrl: 'https://ryla.example', callbacks: known });
    /** Left by a submit of so many seconds ago. */
    const clue = (seconds: number) => ({ sentAt: ago(seconds) });

    it('leaves a clue of the time alone, since nothing can be compared', async () => {
      const client = await start(callbacks());
      const call = testCall();
      await runJob(client, falJob, call.context);
      expect(call.dispatch.clue).toEqual({ sentAt: expect.any(String) as unknown });
    });

    it('finds a submit by its call-back, whenever that comes', async () => {
      const client = await start(callbacks({ requestId: 'r1' }));
      for (const seconds of [1, 10_000]) {
        const call = testCall({ previous: { phase: 'intent', clue: clue(seconds) } });
        expect((await runJob(client, falJob, call.context)).providerRequestId).toBe('r1');
      }
      expect(fal.submits()).toEqual([]);
    });

    it('waits for the call-back of a submit whose answer was lost', async () => {
      const client = await start(callbacks(), lostSubmit);
      const first = testCall();
      await providerErrorOf(runJob(client, falJob, first.context));
      const later = testCall({ previous: first.dispatch.state });
      const error = await providerErrorOf(runJob(client, falJob, later.context));
      expect(error).toMatchObject({ code: 'not_found_yet', certainty: 'unknown', retryAfterMs: 1000 });
    });

    it('does not know after the longest time of a request, and never calls it lost', async () => {
      // As long as it would take to be sure by the list.
      const client = await start(callbacks());
      expect(await client.find(falJob, clue(195), { signal })).toMatchObject({ kind: 'cannot_tell' });
      await expect(client.find(falJob, clue(205), { signal })).rejects.toMatchObject({
        ...{ code: 'outcome_unknown', certainty: 'unknown' },
      });
      expect(fal.asked(listPath)).toEqual([]);
    });

    it('says nothing of a submit while the call-backs cannot be read', async () => {
      const broken = { ...callbacks(), lookUp: () => Promise.reject(new Error('the database is down')) };
      const client = await start(broken);
      const error: unknown = await client
        .find(falJob, clue(205), { signal })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ certainty: 'unknown', endsJob: false });
      expect(error).not.toMatchObject({ code: 'outcome_unknown' });
    });
  });

  it('leaves a submit in doubt whose clue is older than the refusal', async () => {
    const told: number[] = [];
    const client = await fal.start(
      { [listLine]: inTurn([403, {}]) },
      { onCannotList: (answer) => void told.push(answer) },
    );
    const call = testCall({ previous: { phase: 'intent', clue: clueOf(1000) } });
    const error = await providerErrorOf(runJob(client, falJob, call.context));
    expect(error).toMatchObject({ failureClass: 'auth', certainty: 'unknown', endsJob: false });
    expect(call.dispatch.notes).toEqual([]);
    expect(told).toEqual([403]);
  });

  it('is not taken for one because nobody answered', async () => {
    const told: number[] = [];
    const client = await fal.start(
      { [listLine]: inTurn([502, {}]) },
      { onCannotList: (answer) => void told.push(answer) },
    );
    const call = testCall();
    await runJob(client, falJob, call.context);
    expect(call.dispatch.clue).toBeDefined();
    expect(told).toEqual([]);
  });
});

describe('stopping a job of which only a clue is left', () => {
  const stop = async (answers: Answers, seconds = 1) => {
    const client = await fal.start(answers);
    const clue: JsonValue = clueOf(seconds);
    return await client.stop({ ...falJob, dispatch: { phase: 'intent', clue } }, { signal });
  };
  const entry = inTurn([200, page([listed('r1')])]);

  it.each([
    ['OK', { kind: 'stopped', charge: 'none' }],
    ['CANCELLATION_REQUESTED', { kind: 'stopped', charge: 'price' }],
    ['ALREADY_COMPLETED', { kind: 'finished', handle: { requestId: 'r1' } }],
    // The list has the last word on what the queue forgot.
    ['NOT_FOUND', { kind: 'finished', handle: { requestId: 'r1' } }],
    ['A_NEW_WORD', { kind: 'cannot_tell' }],
  ])('finds it and tells Fal, whose word is %s', async (status, expected) => {
    const answers = { [listLine]: entry, [`PUT ${requestPath}/cancel`]: inTurn([202, { status }]) };
    expect(await stop(answers)).toMatchObject(expected);
  });

  it('says what it found where there is nothing to cancel', async () => {
    expect(await stop({ [listLine]: inTurn([200, page([])]) })).toMatchObject({ kind: 'cannot_tell' });
    await fal.close();
    expect(await stop({ [listLine]: inTurn([200, page([])]) }, 1000)).toEqual({ kind: 'never' });
    await fal.close();
    expect(await stop({ [listLine]: inTurn([502, {}]) })).toMatchObject({ kind: 'cannot_tell' });
    expect(fal.lines()).toEqual([]);
  });

  it.each([
    [60, { kind: 'cannot_tell' }],
    [300, { kind: 'stopped', charge: 'price' }],
  ])(
    'goes by the time that has passed (%d s) where the queue forgot the job and the key may not list',
    async (seconds, expected) => {
      const client = await fal.start({
        [`PUT ${requestPath}/cancel`]: inTurn([404, { status: 'NOT_FOUND' }]),
      });
      const dispatch = {
        phase: 'accepted',
        handle: { ...fal.handle(), queuedSince: ago(seconds) },
      } as const;
      expect(await client.stop({ ...falJob, dispatch }, { signal })).toMatchObject(expected);
    },
  );

  it('can collect what ended before it could be stopped, without a look at its status', async () => {
    const client = await fal.start({
      [`PUT ${requestPath}/cancel`]: inTurn([400, { status: 'ALREADY_COMPLETED' }]),
    });
    const dispatch = { phase: 'accepted', handle: fal.handle() } as const;
    const stopped = await client.stop({ ...falJob, dispatch }, { signal });
    if (stopped.kind !== 'finished') throw new Error(`expected a finished job, got ${stopped.kind}`);
    const { media, onProgress } = testCall().context;
    const context = { signal, media, onProgress, remember: () => Promise.resolve() };
    expect((await client.collect(falJob, stopped.handle, context)).assets).toHaveLength(1);
    expect(fal.lines()).not.toContain(`GET ${requestPath}/status`);
  });
});

describe('a request the queue no longer knows', () => {
  const forgotten = { [`GET ${requestPath}/status`]: inTurn([404, { status: 'NOT_FOUND' }]) };
  const handle = (seconds: number) => ({ ...fal.handle(), queuedSince: ago(seconds) });
  const collect = async (items: unknown[], seconds = 1) => {
    const client = await fal.start({
      ...forgotten,
      [listLine]: (response) => {
        sendJson(response, 200, page(items));
      },
    });
    const call = testCall({ previous: { phase: 'accepted', handle: handle(seconds) } });
    return runJob(client, falJob, call.context);
  };

  it('is collected from the list, which has its result too', async () => {
    const client = await fal.start({
      ...forgotten,
      [listLine]: (response) => {
        sendJson(
          response,
          200,
          page([listed('r1', { json_output: { images: [{ url: `${fal.url}/files/1.png` }] } })]),
        );
      },
    });
    const call = testCall({ previous: { phase: 'accepted', handle: handle(1) } });
    expect((await runJob(client, falJob, call.context)).assets).toHaveLength(1);
    expect(fal.asked(listPath).at(-1)?.get('request_id')).toBe('r1');
  });

  it('is over where the list says that it failed', async () => {
    const output = { detail: [{ loc: ['body', 'prompt'], msg: 'm', type: 'content_policy_violation' }] };
    const error = await providerErrorOf(collect([listed('r1', { status_code: 422, json_output: output })]));
    expect(error).toMatchObject({ failureClass: 'policy', endsJob: true, charge: 'none' });
  });

  it('is still there while it may run unlisted, and over when it cannot any more', async () => {
    const early = await providerErrorOf(collect([], 60));
    expect(early).toMatchObject({ code: 'request_lost', endsJob: false, certainty: 'accepted' });
    await fal.close();
    const late = await providerErrorOf(collect([], 300));
    expect(late).toMatchObject({ code: 'request_lost', endsJob: true });
    expect(late.charge).toBeUndefined();
  });
});
