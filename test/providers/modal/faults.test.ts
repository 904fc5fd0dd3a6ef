import type { NewFault } from '../../../emulator/faults/faults';
import type { FailureClass } from '../../../src/domain/taxonomy';
import { createModalClient } from '../../../src/providers/modal/client';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';
import { testPicture } from '../support/pictures';

const job = testJob({
  app: 'ryla-flux',
  endpoint: '/flux-dev',
  parameters: { prompt: 'a red door', width: 256, height: 256, seed: 7 },
});
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

function strike(fault: NewFault['fault'], params?: NewFault['params']): void {
  emulated.faults.add({ provider: 'modal', fault, ...(params !== undefined && { params }) });
}

function paidJobs(): number {
  return emulated.journal.read().entries.length;
}

type Params = NonNullable<NewFault['params']>;
type Failure = [NewFault['fault'], Params, FailureClass, code: string, certainty: string, paid: number];
const failures: Failure[] = [
  ['lora_missing', {}, 'lora', 'lora_missing', 'not_sent', 0],
  ['route_missing', {}, 'auth', 'route_missing', 'not_sent', 0],
  ['app_stopped', {}, 'auth', 'route_missing', 'not_sent', 0],
  ['input_as_500', {}, 'input', 'input_rejected', 'accepted', 0],
  ['crash_500', {}, 'transient', 'generation_failed', 'accepted', 1],
  [
    'crash_500',
    { type: 'OutOfMemoryError', message: 'out of memory' },
    'capacity',
    'out_of_gpu_memory',
    'accepted',
    1,
  ],
  ['crash_500', { message: "lora_name: 'x' not in list" }, 'lora', 'lora_missing', 'accepted', 1],
  ['plain_500', {}, 'transient', 'container_crashed', 'unknown', 1],
  ['html_502', {}, 'transient', 'bad_gateway', 'unknown', 0],
  ['faceswap_502', {}, 'transient', 'bad_gateway', 'accepted', 0],
  ['http_503', {}, 'transient', 'unavailable', 'unknown', 0],
  ['http_408', {}, 'transient', 'request_timeout', 'unknown', 0],
  ['auth_401', {}, 'auth', 'unauthorized', 'not_sent', 0],
  ['billing_403', {}, 'auth', 'forbidden', 'not_sent', 0],
  ['redirect_chain', { hops: 21 }, 'outage', 'redirect_limit', 'accepted', 1],
  ['redirect_foreign', {}, 'outage', 'redirect_foreign', 'accepted', 1],
  ['redirect_no_location', {}, 'outage', 'redirect_without_location', 'accepted', 1],
  ['reset_before_headers', {}, 'transient', 'connection_lost', 'unknown', 0],
  ['submit_lost', {}, 'transient', 'connection_lost', 'unknown', 1],
  ['accepted_502', {}, 'transient', 'bad_gateway', 'unknown', 1],
  ['accepted_504', {}, 'transient', 'gateway_timeout', 'unknown', 1],
  ['reset_mid_body', {}, 'corrupt', 'body_cut_off', 'unknown', 1],
  ['truncated', {}, 'corrupt', 'media_truncated', 'accepted', 1],
  ['empty_200', {}, 'corrupt', 'media_empty', 'unknown', 1],
  ['html_200', {}, 'corrupt', 'media_not_media', 'unknown', 1],
  ['json_200', {}, 'corrupt', 'media_not_media', 'unknown', 1],
  ['oversize', {}, 'corrupt', 'media_too_large', 'accepted', 1],
  ['black_image', {}, 'corrupt', 'media_blank', 'accepted', 1],
];

describe('a fault at Modal', () => {
  it.each(failures)(
    '%s %j ends as %s (%s, %s)',
    async (fault, params, failureClass, code, certainty, paid) => {
      strike(fault, params);
      const error = await providerErrorOf(runJob(emulated.modal, job, testCall().context));
      expect(error).toMatchObject({ provider: 'modal', failureClass, code, certainty });
      expect(paidJobs()).toBe(paid);
      expect(error.message).not.toMatch(/Traceback|\/root|a red door|<html/i);
    },
  );

  it.each([
    ['nodes_503', 'ryla-instantid', '/sdxl-instantid', 'nodes_not_loaded'],
    ['nodes_503', 'ryla-instantid', '/flux-ipadapter-faceid', 'nodes_not_loaded'],
    ['model_files_missing', 'ryla-seedvr2', '/seedvr2', 'models_missing'],
  ] as const)(
    '%s at %s%s is an outage of that endpoint, and nothing was sent',
    async (fault, app, endpoint, code) => {
      strike(fault);
      const error = await providerErrorOf(
        runJob(emulated.modal, { ...job, app, endpoint }, testCall().context),
      );
      expect(error).toMatchObject({ failureClass: 'outage', code, certainty: 'not_sent', charge: 'none' });
      expect(paidJobs()).toBe(0);
      expect(error.message).not.toMatch(/Traceback|\/root/);
    },
  );

  it.each<[NewFault['fault'], Params]>([
    ['cold_start', { seconds: 200 }],
    ['redirect_chain', { hops: 1 }],
    ['redirect_chain', { hops: 3 }],
    ['redirect_chain', { hops: 20 }],
    ['redirect_lost_poll', { resets: 2 }],
    ['accepted_202', {}],
    ['no_cost_headers', {}],
    ['bad_cost_headers', { value: 'NaN' }],
    ['bad_cost_headers', { value: '-1' }],
  ])('%s %j still ends in one picture, paid once', async (fault, params) => {
    strike(fault, params);
    const result = await runJob(emulated.modal, job, testCall().context);
    expect(result.assets).toMatchObject([{ mediaType: 'image/jpeg', width: 256, height: 256 }]);
    expect(result.costUsd).toBeUndefined();
    expect(paidJobs()).toBe(1);
  });

  it.each([{}, { value: 'application/octet-stream' }])(
    'stores the true type under a wrong header %j',
    async (params) => {
      strike('wrong_content_type', params);
      const result = await runJob(emulated.modal, job, testCall().context);
      expect(result.assets).toMatchObject([{ mediaType: 'image/png' }]);
    },
  );

  it.each([
    [2, 2000],
    [-5, undefined],
    ['soon', undefined],
    ['99999999999', 600_000],
    [null, undefined],
  ])('rate_limited with Retry-After %j asks for a wait of %p ms', async (retryAfter, retryAfterMs) => {
    strike('rate_limited', { retryAfter });
    const error = await providerErrorOf(runJob(emulated.modal, job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'capacity', certainty: 'not_sent', retryAfterMs });
    expect(paidJobs()).toBe(0);
  });

  it('rate_limited with a date asks to be left alone until then', async () => {
    strike('rate_limited', { retryAfter: new Date(Date.now() + 60_000).toUTCString() });
    const error = await providerErrorOf(runJob(emulated.modal, job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'capacity', certainty: 'not_sent' });
    expect(error.retryAfterMs).toBeGreaterThan(50_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it.each([
    ['download', { downloadSeconds: 0.5 }, 'corrupt', 'body_stalled'],
    ['total', { totalSeconds: 1 }, 'transient', 'deadline_exceeded'],
  ])('slow_drip ends at the %s deadline', async (_kind, limits, failureClass, code) => {
    strike('slow_drip', { intervalMs: 50 });
    const deadlines = { ...testDeadlines, ...limits };
    const error = await providerErrorOf(runJob(emulated.modal, { ...job, deadlines }, testCall().context));
    expect(error).toMatchObject({
      failureClass,
      code,
      certainty: 'unknown',
    });
    expect(paidJobs()).toBe(1);
  });

  it('same_seed shows in the bytes: the caller must vary more than the seed', async () => {
    strike('same_seed');
    const results = [];
    for (const seed of [1, 2]) {
      const parameters = { ...job.parameters, seed };
      results.push(await runJob(emulated.modal, { ...job, parameters }, testCall().context));
    }
    expect(results[0]?.assets[0].assetId).toBe(results[1]?.assets[0].assetId);
  });

  it('waits for a container however the pending call answers', async () => {
    for (const pendingStatus of [302, 303, 408] as const) {
      emulated.settings.change({ modal: { pendingStatus, redirectLocation: 'relative' } });
      strike('cold_start', { seconds: 400 });
      const result = await runJob(emulated.modal, job, testCall().context);
      expect(result.assets).toHaveLength(1);
    }
    expect(paidJobs()).toBe(3);
  });

  it('reads an accepted job again in the next attempt instead of paying for another', async () => {
    strike('redirect_chain', { hops: 1 });
    emulated.faults.add({ provider: 'modal', fault: 'truncated', times: 1, params: { on: 'poll' } });
    const first = testCall();
    const error = await providerErrorOf(runJob(emulated.modal, job, first.context));
    expect(error).toMatchObject({ failureClass: 'corrupt', endsJob: false });
    const second = testCall({ previous: first.dispatch.state });
    expect((await runJob(emulated.modal, job, second.context)).assets).toHaveLength(1);
    expect(paidJobs()).toBe(1);
  });
});

describe('Modal itself', () => {
  it('is an outage when it is down, and nothing was sent', async () => {
    await emulated.setProviderState('modal', 'down');
    const error = await providerErrorOf(runJob(emulated.modal, job, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'outage',
      code: 'connection_refused',
      certainty: 'not_sent',
    });
  });

  it('leaves the outcome unknown when it goes down during the call', async () => {
    emulated.settings.change({ fixedLatencySeconds: 100 });
    const call = testCall();
    const generating = providerErrorOf(runJob(emulated.modal, job, call.context));
    while (paidJobs() === 0) await new Promise(setImmediate);
    await emulated.setProviderState('modal', 'down');
    expect(await generating).toMatchObject({ failureClass: 'transient', certainty: 'unknown' });
  });

  it('ends at the first-byte deadline when it hangs', async () => {
    await emulated.setProviderState('modal', 'hang');
    const deadlines = { ...testDeadlines, firstByteSeconds: 0.2 };
    const error = await providerErrorOf(runJob(emulated.modal, { ...job, deadlines }, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'transient',
      code: 'no_answer',
      certainty: 'unknown',
    });
  });

  it('refuses calls without its proxy credentials, and takes them with', async () => {
    emulated.settings.change({ proxyAuth: { key: 'wk-1', secret: 'ws-1' } });
    strike('redirect_chain', { hops: 1 });
    const error = await providerErrorOf(runJob(emulated.modal, job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'auth', certainty: 'not_sent' });
    const baseUrl = `${emulated.urls.modal}/{app}`;
    const client = createModalClient({ baseUrl, key: 'wk-1', secret: 'ws-1', namedJobs: 'off' });
    expect((await runJob(client, job, testCall().context)).assets).toHaveLength(1);
  });

  it('reports the cost where it tells it', async () => {
    emulated.settings.change({ costHeaders: true });
    const result = await runJob(emulated.modal, job, testCall().context);
    expect(result.costUsd).toBeGreaterThan(0);
    expect(result.executionSeconds).toBeGreaterThan(0);
  });

  it('does not know a LoRA nobody trained, and charges nothing', async () => {
    const parameters = { ...job.parameters, lora_id: 'ghost' };
    const lora = { ...job, endpoint: '/flux-dev-lora', parameters };
    const error = await providerErrorOf(runJob(emulated.modal, lora, testCall().context));
    expect(error).toMatchObject({ failureClass: 'lora', certainty: 'not_sent' });
    expect(paidJobs()).toBe(0);
  });

  it.each([
    ['ryla-flux', '/flux-dev', {}, 'input'],
    ['ryla-flux', '/flux-dev-lora', { prompt: 'x' }, 'input'],
    ['ryla-instantid', '/sdxl-instantid', { prompt: 'x' }, 'input'],
    ['ryla-instantid', '/flux-pulid', { prompt: 'x' }, 'input'],
    ['ryla-qwen-image', '/qwen-image-edit-2511', {}, 'input'],
    ['ryla-wan26', '/wan2.6', {}, 'input'],
    ['ryla-seedvr2', '/seedvr2', {}, 'input'],
    ['ryla-flux', '/z-image-simple', { prompt: 'x' }, 'auth'],
    ['ryla-instantid', '/flux-instantid', { prompt: 'x' }, 'auth'],
  ])('%s%s answers the body %j as a failure of class %s', async (app, endpoint, parameters, failureClass) => {
    const error = await providerErrorOf(
      runJob(emulated.modal, { ...job, app, endpoint, parameters }, testCall().context),
    );
    expect(error).toMatchObject({ failureClass });
    expect(paidJobs()).toBe(0);
  });

  it('takes a face that is no picture for bad input', async () => {
    const call = testCall();
    const broken = call.media.add((await testPicture()).subarray(0, 40), 'image/png');
    const input = { field: 'reference_image', assetId: broken, mediaType: 'image/png' };
    const inputs = [{ ...input, encoding: 'data-url', shape: 'value' } as const];
    const reference = { ...job, app: 'ryla-instantid', endpoint: '/sdxl-instantid', inputs };
    const error = await providerErrorOf(runJob(emulated.modal, reference, call.context));
    expect(error.failureClass).toBe('input');
  });

  it('is healthy per app while it is up', async () => {
    const { signal } = new AbortController();
    expect(await emulated.modal.checkHealth({ signal, app: 'ryla-wan26' })).toMatchObject({ healthy: true });
    await emulated.setProviderState('modal', 'down');
    expect(await emulated.modal.checkHealth({ signal })).toMatchObject({ healthy: false });
  });
});
