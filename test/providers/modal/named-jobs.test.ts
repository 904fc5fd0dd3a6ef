import type { NewFault } from '../../../emulator/faults/faults';
import type { FailureClass, JsonValue } from '../../../src/domain/taxonomy';
import { runJob } from '../../../src/providers/run-job';
import type { DispatchState, UnwantedJob } from '../../../src/providers/types';
import { waitUntil } from '../../support/wait-until';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';

const job = testJob({
  jobKey: 'g1/slot-1/modal-flux-dev',
  app: 'ryla-flux',
  endpoint: '/flux-dev',
  parameters: { prompt: 'a red door', width: 256, height: 256, seed: 7 },
});
const { signal } = new AbortController();
let emulated: Emulated;

beforeAll(async () => {
  emulated = await startEmulated();
});

afterEach(async () => {
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
});

type Params = NonNullable<NewFault['params']>;

function strike(fault: NewFault['fault'], { times, ...params }: Params & { times?: number } = {}): void {
  emulated.faults.add({ provider: 'modal', fault, params, ...(times !== undefined && { times }) });
}

function paid(): { outcome: string; chargedUsd: number }[] {
  return emulated.journal.read().entries.map(({ outcome, chargedUsd }) => ({ outcome, chargedUsd }));
}

function run(call = testCall()) {
  return runJob(emulated.named, job, call.context);
}

/** The clue a submit of this job leaves, as its worker goes before anything was sent. */
async function clueOf(): Promise<JsonValue> {
  let left: JsonValue = null;
  const { context } = testCall();
  const submit = emulated.named.submit(job, {
    ...context,
    intent: (clue = null) => {
      left = clue;
      return Promise.reject(new Error('the worker stops here'));
    },
  });
  await expect(submit).rejects.toThrow();
  return left;
}

describe('a named job', () => {
  it('leaves its name before it is paid, and tells what it cost by the record', async () => {
    const call = testCall();
    const result = await run(call);
    const [entry] = emulated.journal.read().entries;
    expect(call.dispatch.clue).toMatchObject({
      key: expect.stringMatching(/^g1\.slot-1\.modal-flux-dev\.[0-9a-f]{32}$/) as string,
    });
    expect(call.dispatch.notes).toEqual(['intent', { accepted: call.dispatch.clue }]);
    expect(emulated.named.goesByKey?.(call.dispatch.clue ?? null)).toBe(true);
    expect(entry).toMatchObject({ outcome: 'succeeded', responseDelivered: true });
    expect(result.costUsd).toBe(entry?.chargedUsd);
    expect(result.executionSeconds).toBeGreaterThan(0);
    expect(result.providerRequestId).toBe(entry?.callId);
    expect(call.dispatch.providerRequestId).toBe(entry?.callId);
    expect(call.progress.map(({ phase }) => phase)).toEqual(
      expect.arrayContaining(['queued', 'downloading']),
    );
  });

  it('is one job however often it is submitted', async () => {
    const results = await Promise.all([run(), run(), run()]);
    expect(new Set(results.map(({ assets }) => assets[0].assetId)).size).toBe(1);
    expect(paid()).toHaveLength(1);
  });

  it('is waited for while its state does not show its end, and while its container is slow', async () => {
    strike('cold_start', { seconds: 400 });
    strike('state_stuck', { seconds: 300, times: 1 });
    expect((await run()).assets).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  });

  it('tells the cost of every run where its container was killed', async () => {
    strike('runner_killed');
    const { costUsd } = await run();
    expect(costUsd).toBe(paid()[0]?.chargedUsd);
  });
});

describe('a named submit without an answer', () => {
  it.each<[NewFault['fault'], Params]>([
    ['put_lost_after_claim', {}],
    ['gateway_dies_before_spawn', {}],
    ['submit_lost', {}],
    ['accepted_502', {}],
    ['accepted_504', {}],
  ])('%s is found at once and collected, paid once', async (fault, params) => {
    strike(fault, params);
    const call = testCall();
    expect((await run(call)).assets).toHaveLength(1);
    expect(call.dispatch.notes).toEqual(['intent', { accepted: call.dispatch.clue }]);
    expect(paid()).toHaveLength(1);
  });

  it.each<[NewFault['fault'], code: string]>([
    ['put_lost_before_claim', 'connection_lost'],
    ['reset_before_headers', 'connection_lost'],
    ['html_502', 'bad_gateway'],
    ['http_503', 'unavailable'],
    ['http_504', 'gateway_timeout'],
    ['http_408', 'request_timeout'],
  ])('%s is made void: nothing was sent, and the next one has another name', async (fault, code) => {
    strike(fault, { times: 1 });
    const call = testCall();
    const error = await providerErrorOf(run(call));
    expect(error).toMatchObject({ code, failureClass: 'transient', certainty: 'not_sent', charge: 'none' });
    expect(call.dispatch.state).toEqual({ phase: 'none' });
    const again = testCall();
    expect((await run(again)).assets).toHaveLength(1);
    expect(again.dispatch.clue).not.toEqual(call.dispatch.clue);
    expect(paid()).toHaveLength(1);
  });

  it('never runs when it arrives after it was made void', async () => {
    strike('late_put', { seconds: 50, times: 1 });
    const error = await providerErrorOf(run());
    expect(error).toMatchObject({ code: 'connection_lost', certainty: 'not_sent' });
    await waitUntil(() =>
      Promise.resolve(emulated.journal.read().rejections.some(({ status }) => status === 410)),
    );
    expect(paid()).toEqual([]);
  });

  it('stays in doubt while nobody can be asked, and is found later', async () => {
    strike('put_lost_after_claim', { times: 1 });
    strike('html_502', { on: 'state', times: 1 });
    const call = testCall();
    const error = await providerErrorOf(run(call));
    expect(error).toMatchObject({ code: 'connection_lost', certainty: 'unknown' });
    const next = testCall({ previous: call.dispatch.state });
    expect((await run(next)).assets).toHaveLength(1);
    expect(next.dispatch.notes).toEqual([{ accepted: call.dispatch.clue }]);
    expect(paid()).toHaveLength(1);
  });

  it.each<[NewFault['fault'], Params]>([
    ['app_stopped', { on: 'state' }],
    ['html_502', { on: 'state' }],
    ['http_503', { on: 'void' }],
    ['poll_status', { on: 'state', status: 400 }],
    ['poll_status', { on: 'state', status: 302 }],
    ['poll_status', { on: 'state', status: 204 }],
  ])('is not taken for void on the word of %s %j', async (fault, params) => {
    const clue = await clueOf();
    strike(fault, { ...params, times: 1 });
    const previous: DispatchState = { phase: 'intent', clue };
    const error = await providerErrorOf(run(testCall({ previous })));
    expect(error).toMatchObject({ certainty: 'unknown', endsJob: false });
    expect(['input', 'lora', 'policy', 'corrupt']).not.toContain(error.failureClass);
    await expect(emulated.named.find(job, clue, { signal })).resolves.toEqual({ kind: 'never' });
    await expect(emulated.named.find(job, clue, { signal })).resolves.toEqual({ kind: 'never' });
  });

  it('leaves the doubt open while the gateway is down', async () => {
    const clue = await clueOf();
    await emulated.setProviderState('modal', 'down');
    const error = await providerErrorOf(run(testCall({ previous: { phase: 'intent', clue } })));
    expect(error).toMatchObject({ failureClass: 'outage', code: 'connection_refused', certainty: 'unknown' });
  });

  it.each([
    ['rate_limited', 'capacity', 'rate_limited'],
    ['auth_401', 'auth', 'unauthorized'],
    ['billing_403', 'auth', 'forbidden'],
    ['app_stopped', 'auth', 'route_missing'],
  ] as const)('%s refuses it, and nothing was sent', async (fault, failureClass, code) => {
    strike(fault, { times: 1 });
    const error = await providerErrorOf(run());
    expect(error).toMatchObject({ failureClass, code, certainty: 'not_sent' });
    expect(paid()).toEqual([]);
  });
});

type Failure = [NewFault['fault'], Params, FailureClass, code: string];
const failures: Failure[] = [
  ['lora_missing', {}, 'lora', 'lora_missing'],
  ['route_missing', {}, 'auth', 'route_missing'],
  ['input_as_500', {}, 'input', 'input_rejected'],
  ['crash_500', {}, 'transient', 'generation_failed'],
  ['crash_500', { type: 'OutOfMemoryError', message: 'out of memory' }, 'capacity', 'out_of_gpu_memory'],
  ['faceswap_502', {}, 'transient', 'bad_gateway'],
  ['runner_lost', {}, 'transient', 'runner_lost'],
  ['plain_500', {}, 'transient', 'runner_lost'],
  ['black_image', {}, 'corrupt', 'media_blank'],
  ['html_200', { on: 'run' }, 'corrupt', 'media_not_media'],
  ['json_200', { on: 'run' }, 'corrupt', 'media_not_media'],
  ['empty_200', { on: 'run' }, 'corrupt', 'media_empty'],
  ['truncated', { on: 'run' }, 'corrupt', 'media_truncated'],
  ['result_gone', {}, 'transient', 'result_gone'],
];

describe('a named job that ends without a picture', () => {
  it.each(failures)('%s %j is over, as %s (%s), and billed', async (fault, params, failureClass, code) => {
    strike(fault, params);
    const error = await providerErrorOf(run());
    const [job] = paid();
    expect(error).toMatchObject({ failureClass, code, certainty: 'accepted', endsJob: true });
    expect(error.charge).toEqual({ usd: job?.chargedUsd });
    expect(error.message).not.toMatch(/Traceback|\/root|a red door|<html/i);
  });

  it('is billed at its price where nobody says more', async () => {
    strike('no_cost_headers');
    strike('result_gone');
    expect(await providerErrorOf(run())).toMatchObject({ endsJob: true, charge: 'price' });
  });
});

describe('an accepted named job', () => {
  it.each([302, 307, 204, 400, 422])('is still there after a poll that was answered %d', async (status) => {
    strike('poll_status', { status, times: 2 });
    expect((await run()).assets).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  });

  it('stays open when no poll is answered by its app, and is collected afterwards', async () => {
    strike('poll_status', { status: 422 });
    const call = testCall();
    const error = await providerErrorOf(run(call));
    expect(error).toMatchObject({ failureClass: 'transient', certainty: 'accepted', endsJob: false });
    emulated.faults.clear();
    expect((await run(testCall({ previous: call.dispatch.state }))).assets).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  }, 30_000);

  it('goes on behind a gateway that is down, and is collected when it is back', async () => {
    emulated.settings.change({ fixedLatencySeconds: 100 });
    const call = testCall();
    const running = providerErrorOf(run(call));
    await call.dispatch.reached('accepted');
    await emulated.setProviderState('modal', 'down');
    const error = await running;
    expect(error).toMatchObject({ code: 'connection_refused', certainty: 'accepted', endsJob: false });
    await emulated.setProviderState('modal', 'up');
    expect((await run(testCall({ previous: call.dispatch.state }))).assets).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  }, 30_000);

  it.each<[NewFault['fault'], Params]>([
    ['html_200', { on: 'result' }],
    ['json_200', { on: 'result' }],
    ['empty_200', { on: 'result' }],
    ['oversize', { on: 'result' }],
    ['truncated', { on: 'result' }],
    ['reset_mid_body', { on: 'result' }],
    ['html_502', { on: 'result' }],
    ['poll_status', { on: 'result', status: 204 }],
  ])('gives its whole picture although the first download is %s %j', async (fault, params) => {
    strike(fault, { ...params, times: 1 });
    const call = testCall();
    const result = await run(call);
    expect(result.assets).toMatchObject([{ mediaType: 'image/jpeg', width: 256, height: 256 }]);
    expect(call.media.saved).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  });

  it('stays open when its bytes never are those of its record', async () => {
    strike('html_200', { on: 'result' });
    const call = testCall();
    const error = await providerErrorOf(run(call));
    expect(error).toMatchObject({
      code: expect.any(String) as string,
      certainty: 'accepted',
      endsJob: false,
    });
    expect(call.media.saved).toEqual([]);
    emulated.faults.clear();
    expect((await run(testCall({ previous: call.dispatch.state }))).assets).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  }, 30_000);

  it('is not over when its app has forgotten it', async () => {
    const handle = { ...((await clueOf()) as object) };
    const previous: DispatchState = { phase: 'accepted', handle };
    const error = await providerErrorOf(run(testCall({ previous })));
    expect(error).toMatchObject({ code: 'job_unknown', certainty: 'accepted', endsJob: false });
    const stopped = await emulated.named.stop({ ...job, dispatch: previous }, { signal });
    expect(stopped).toMatchObject({ kind: 'cannot_tell' });
  });

  it('is asked for nowhere but at the address it was sent to', async () => {
    const handle = { key: 'k', jobUrl: 'https://elsewhere.example/jobs/k' };
    const error = await providerErrorOf(run(testCall({ previous: { phase: 'accepted', handle } })));
    expect(error).toMatchObject({ code: 'job_elsewhere', certainty: 'accepted', endsJob: false });
    const lost = await providerErrorOf(run(testCall({ previous: { phase: 'intent', clue: handle } })));
    expect(lost).toMatchObject({ code: 'job_elsewhere', certainty: 'unknown' });
  });

  it('is collected in its own form, whatever form is sent now', async () => {
    const call = testCall();
    await run(call);
    const again = testCall({ previous: call.dispatch.state });
    expect((await runJob(emulated.modal, job, again.context)).assets).toHaveLength(1);
    expect(paid()).toHaveLength(1);
  });
});

describe('stopping a named job', () => {
  /** A job that is at work for the longest time. */
  async function atWork() {
    emulated.settings.change({ fixedLatencySeconds: 10_000 });
    const call = testCall();
    const running = run(call);
    await call.dispatch.reached('accepted');
    return { call, running };
  }

  it('stops the GPU when its caller cancels, and says what that billed', async () => {
    const { call, running } = await atWork();
    call.abort(new Error('cancelled by the user'));
    await expect(running).rejects.toThrow('cancelled by the user');
    const [entry] = paid();
    expect(entry).toMatchObject({ outcome: 'cancelled' });
    expect(call.stopped).toEqual([{ kind: 'stopped', charge: { usd: entry?.chargedUsd } }]);
  });

  it('costs nothing before it began', async () => {
    strike('cold_start', { seconds: 10_000 });
    const { call, running } = await atWork();
    call.abort(new Error('cancelled by the user'));
    await expect(running).rejects.toThrow();
    expect(call.stopped).toEqual([{ kind: 'stopped', charge: 'none' }]);
    expect(paid()).toEqual([{ outcome: 'cancelled', chargedUsd: 0 }]);
  });

  it('ends it when its time is up, at its cost', async () => {
    emulated.settings.change({ fixedLatencySeconds: 10_000 });
    const deadlines = { ...testDeadlines, totalSeconds: 0.5 };
    const error = await providerErrorOf(runJob(emulated.named, { ...job, deadlines }, testCall().context));
    expect(error).toMatchObject({ code: 'deadline_exceeded', outcome: 'ended_billed', endsJob: true });
    expect(error.charge).toEqual({ usd: paid()[0]?.chargedUsd });
  });

  it('is seen by whoever waits for it', async () => {
    const { call, running } = await atWork();
    const dispatch = call.dispatch.state;
    const stopped = await emulated.named.stop({ ...job, dispatch }, { signal });
    expect(stopped).toEqual({ kind: 'stopped', charge: { usd: paid()[0]?.chargedUsd } });
    expect(await providerErrorOf(running)).toMatchObject({ code: 'job_cancelled', endsJob: true });
    expect(await emulated.named.stop({ ...job, dispatch }, { signal })).toEqual(stopped);
  });

  it('finds one whose submit had no answer, and makes one void that never came', async () => {
    emulated.settings.change({ fixedLatencySeconds: 10_000 });
    const clue = await clueOf();
    const lost: UnwantedJob = { ...job, dispatch: { phase: 'intent', clue } };
    strike('put_lost_after_claim', { times: 1 });
    const submit = emulated.named.submit(job, { ...testCall().context, intent: () => Promise.resolve() });
    await expect(submit).rejects.toThrow();
    expect(await emulated.named.stop(lost, { signal })).toMatchObject({ kind: 'stopped' });

    await resetEmulated(emulated);
    expect(await emulated.named.stop(lost, { signal })).toEqual({ kind: 'never' });
    expect(await emulated.named.stop(lost, { signal })).toEqual({ kind: 'never' });
  });

  it('gives a finished one to be collected, and a failed one at its cost', async () => {
    const done = testCall();
    await run(done);
    const dispatch = done.dispatch.state;
    const finished = await emulated.named.stop({ ...job, dispatch }, { signal });
    expect(finished).toEqual({ kind: 'finished', handle: done.dispatch.clue });

    strike('crash_500');
    const failed = testCall();
    const other = { ...job, jobKey: 'another' };
    await providerErrorOf(runJob(emulated.named, other, failed.context));
    const stopped = await emulated.named.stop({ ...other, dispatch: failed.dispatch.state }, { signal });
    expect(stopped).toEqual({ kind: 'stopped', charge: { usd: paid()[1]?.chargedUsd } });
  });

  it('says so where nobody can be told', async () => {
    const { call, running } = await atWork();
    const unwanted = { ...job, dispatch: call.dispatch.state };
    strike('html_502', { on: 'delete', times: 2 });
    expect(await emulated.named.stop(unwanted, { signal })).toMatchObject({ kind: 'cannot_tell' });
    strike('reset_before_headers', { on: 'delete', times: 1 });
    expect(await emulated.named.stop(unwanted, { signal })).toMatchObject({ kind: 'stopped' });
    await providerErrorOf(running);
    await emulated.setProviderState('modal', 'down');
    expect(await emulated.named.stop(unwanted, { signal })).toMatchObject({ kind: 'cannot_tell' });
  });
});
