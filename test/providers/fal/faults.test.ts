import type { FailureClass } from '../../../src/domain/taxonomy';
import type { ProviderJob } from '../../../src/providers/types';
import type { NewFault } from '../../../emulator/faults/faults';
import { createFalClient } from '../../../src/providers/fal/client';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';
import { testPicture } from '../support/pictures';

const parameters = {
  prompt: 'a red door',
  image_size: { width: 256, height: 256 },
  seed: 7,
  enable_safety_checker: true,
};
const job = testJob({ endpoint: 'fal-ai/flux/dev', parameters });
/** An input picture that needs no upload. */
const onePixel = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
let emulated: Emulated;

beforeAll(async () => {
  emulated = await startEmulated();
});

/** Without the right to look, a submit that was not answered stays as it is. */
beforeEach(() => {
  emulated.settings.change({ fal: { mayListRequests: false } });
});

afterEach(async () => {
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
});

type Params = NonNullable<NewFault['params']>;

function strike(fault: NewFault['fault'], params: Params = {}, times?: number): void {
  emulated.faults.add({ provider: 'fal', fault, params, times });
}

function paidJobs(): number {
  return emulated.journal.read().entries.length;
}

type Failure = [NewFault['fault'], Params, FailureClass, code: string, certainty: string, paid: number];
const failures: Failure[] = [
  ['auth_401', {}, 'auth', 'unauthorized', 'not_sent', 0],
  ['billing_403', {}, 'auth', 'forbidden', 'not_sent', 0],
  ['plain_500', {}, 'transient', 'generation_failed', 'unknown', 0],
  ['html_502', {}, 'transient', 'bad_gateway', 'unknown', 0],
  ['http_503', {}, 'transient', 'unavailable', 'unknown', 0],
  ['http_408', {}, 'transient', 'request_timeout', 'unknown', 0],
  ['html_502', { on: 'status' }, 'transient', 'bad_gateway', 'accepted', 1],
  ['reset_before_headers', { on: 'status' }, 'transient', 'connection_lost', 'accepted', 1],
  ['html_200', { on: 'status' }, 'corrupt', 'reply_invalid', 'accepted', 1],
  ['plain_500', { on: 'result' }, 'transient', 'generation_failed', 'accepted', 1],
  ['html_502', { on: 'upload' }, 'transient', 'bad_gateway', 'not_sent', 0],
  ['reset_before_headers', {}, 'transient', 'connection_lost', 'unknown', 0],
  ['submit_lost', {}, 'transient', 'connection_lost', 'unknown', 1],
  ['accepted_502', {}, 'transient', 'bad_gateway', 'unknown', 1],
  ['accepted_504', {}, 'transient', 'gateway_timeout', 'unknown', 1],
  ['html_200', { on: 'submit' }, 'corrupt', 'reply_invalid', 'unknown', 1],
  ['json_200', { on: 'result' }, 'corrupt', 'no_media', 'accepted', 1],
  ['html_200', { on: 'result' }, 'corrupt', 'reply_invalid', 'accepted', 1],
  ['reset_mid_body', { on: 'result' }, 'corrupt', 'body_cut_off', 'accepted', 1],
  ['truncated', { on: 'result' }, 'corrupt', 'reply_invalid', 'accepted', 1],
  ['reset_mid_body', {}, 'corrupt', 'body_cut_off', 'accepted', 1],
  ['truncated', {}, 'corrupt', 'media_truncated', 'accepted', 1],
  ['empty_200', {}, 'corrupt', 'media_empty', 'accepted', 1],
  ['html_200', {}, 'corrupt', 'media_not_media', 'accepted', 1],
  ['json_200', {}, 'corrupt', 'media_not_media', 'accepted', 1],
  ['oversize', {}, 'corrupt', 'media_too_large', 'accepted', 1],
  ['nsfw_black', {}, 'policy', 'nsfw_flagged', 'accepted', 1],
  ['nsfw_black_unflagged', {}, 'policy', 'media_censored', 'accepted', 1],
  ['no_images', {}, 'corrupt', 'no_media', 'accepted', 1],
  ['policy_422', {}, 'policy', 'content_policy_violation', 'accepted', 1],
  ['validation_422', { field: 'image_size' }, 'input', 'input_rejected', 'accepted', 0],
  ['string_422', {}, 'input', 'input_rejected', 'accepted', 0],
  ['completed_then_error', {}, 'transient', 'internal_server_error', 'accepted', 1],
  [
    'completed_then_error',
    { status: 503, type: 'runner_disconnected' },
    'transient',
    'runner_disconnected',
    'accepted',
    1,
  ],
  [
    'completed_then_error',
    { status: 504, type: 'request_timeout', userTimeout: true },
    'capacity',
    'queue_timeout',
    'accepted',
    1,
  ],
  ['completed_then_error', { status: 422, type: 'value_error' }, 'input', 'input_rejected', 'accepted', 1],
  ['wrong_poll_path', {}, 'auth', 'route_unsupported', 'accepted', 1],
  ['foreign_urls', {}, 'outage', 'url_foreign', 'accepted', 1],
  ['foreign_media', {}, 'outage', 'media_host_foreign', 'accepted', 1],
  ['media_404', {}, 'transient', 'media_unavailable', 'accepted', 1],
  ['media_expired', {}, 'transient', 'media_unavailable', 'accepted', 1],
];

describe('a fault at Fal', () => {
  it.each(failures)(
    '%s %j ends as %s (%s, %s)',
    async (fault, params, failureClass, code, certainty, paid) => {
      strike(fault, params);
      const call = testCall();
      const input = {
        assetId: call.media.add(await testPicture(), 'image/png'),
        mediaType: 'image/png',
      } as const;
      const inputs =
        params.on === 'upload'
          ? [{ ...input, field: 'image_url', encoding: 'url', shape: 'value' } as const]
          : [];
      const error = await providerErrorOf(runJob(emulated.fal, { ...job, inputs }, call.context));
      expect(error).toMatchObject({ provider: 'fal', failureClass, code, certainty });
      expect(paidJobs()).toBe(paid);
      expect(error.message).not.toMatch(/a red door|<html|Value error/i);
    },
  );

  it.each([
    [2, 2000],
    ['-1', undefined],
    ['soon', undefined],
    [86_400, 600_000],
    [null, undefined],
  ])('rate_limited with Retry-After %j asks for a wait of %p ms', async (retryAfter, retryAfterMs) => {
    strike('rate_limited', { retryAfter });
    const error = await providerErrorOf(runJob(emulated.fal, job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'capacity', certainty: 'not_sent', retryAfterMs });
    expect(paidJobs()).toBe(0);
  });

  it('status_flaky still ends in one picture, paid once', async () => {
    strike('status_flaky');
    emulated.settings.change({ fixedLatencySeconds: 100 });
    const result = await runJob(emulated.fal, job, testCall().context);
    expect(result.assets).toMatchObject([{ mediaType: 'image/jpeg', width: 256, height: 256 }]);
    expect(paidJobs()).toBe(1);
  });

  it.each<[endpoint: string, parameters: ProviderJob['parameters']]>([
    [
      'fal-ai/bytedance/seedream/v4.5/text-to-image',
      { ...parameters, image_size: { width: 2560, height: 1440 } },
    ],
    ['fal-ai/flux-2-pro/edit', { ...parameters, image_urls: [onePixel] }],
    [
      'fal-ai/pulid',
      {
        prompt: 'a red door',
        image_size: parameters.image_size,
        reference_images: [{ image_url: onePixel }],
      },
    ],
  ])(
    'nsfw_black_unflagged is told by the picture alone where the output has no flags: %s',
    async (endpoint, body) => {
      strike('nsfw_black_unflagged');
      const call = testCall();
      const error = await providerErrorOf(
        runJob(emulated.fal, { ...job, endpoint, parameters: body }, call.context),
      );
      const [entry] = emulated.journal.read().entries;
      const usd: unknown = expect.closeTo(entry?.chargedUsd ?? 0, 6);
      expect(error).toMatchObject({ failureClass: 'policy', code: 'media_censored', charge: { usd } });
      expect(call.media.saved).toEqual([]);
      expect(paidJobs()).toBe(1);
    },
  );

  it('nsfw_partial keeps the first picture only', async () => {
    strike('nsfw_partial');
    const call = testCall();
    const result = await runJob(emulated.fal, job, call.context);
    expect(result.assets).toHaveLength(1);
    expect(call.media.saved).toHaveLength(1);
  });

  it('queue_stuck is over at the limit for its start, at the latest by our own, and nothing is charged', async () => {
    strike('queue_stuck');
    const deadlines = { ...testDeadlines, queueSeconds: 0.1 };
    const error = await providerErrorOf(runJob(emulated.fal, { ...job, deadlines }, testCall().context));
    expect(error).toMatchObject({ failureClass: 'capacity', code: 'queue_timeout' });
    expect(emulated.journal.read().entries).toMatchObject([{ chargedUsd: 0 }]);
    expect(emulated.journal.read().entries[0]?.outcome).not.toBe('succeeded');
  });

  it('rate_limited with a date asks to be left alone until then', async () => {
    strike('rate_limited', { retryAfter: new Date(Date.now() + 60_000).toUTCString() });
    const error = await providerErrorOf(runJob(emulated.fal, job, testCall().context));
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
    const error = await providerErrorOf(runJob(emulated.fal, { ...job, deadlines }, testCall().context));
    expect(error).toMatchObject({
      failureClass,
      code,
      certainty: 'accepted',
    });
    expect(paidJobs()).toBe(1);
  });

  it.each<[NewFault['fault'], Params]>([
    ['media_404', {}],
    ['media_expired', {}],
    ['reset_mid_body', {}],
    ['truncated', {}],
    ['html_502', { on: 'result' }],
    ['reset_before_headers', { on: 'result' }],
  ])('%s %j once: the next attempt takes the same picture and pays nothing', async (fault, params) => {
    strike(fault, params, 1);
    const first = testCall();
    const error = await providerErrorOf(runJob(emulated.fal, job, first.context));
    expect(error).toMatchObject({ certainty: 'accepted', endsJob: false });
    const result = await runJob(emulated.fal, job, testCall({ previous: first.dispatch.state }).context);
    expect(result.assets).toHaveLength(1);
    expect(paidJobs()).toBe(1);
  });
});

describe('Fal itself', () => {
  it('is an outage when it is down, and nothing was sent', async () => {
    await emulated.setProviderState('fal', 'down');
    const error = await providerErrorOf(runJob(emulated.fal, job, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'outage',
      code: 'connection_refused',
      certainty: 'not_sent',
    });
  });

  it('gives the picture after an outage in the middle, paid once', async () => {
    emulated.settings.change({ fixedLatencySeconds: 500 });
    const first = testCall();
    const generating = providerErrorOf(runJob(emulated.fal, job, first.context));
    await first.dispatch.reached('accepted');
    await emulated.setProviderState('fal', 'down');
    expect(await generating).toMatchObject({ certainty: 'accepted', endsJob: false });
    await emulated.setProviderState('fal', 'up');
    const result = await runJob(emulated.fal, job, testCall({ previous: first.dispatch.state }).context);
    expect(result.assets).toHaveLength(1);
    expect(paidJobs()).toBe(1);
  });

  it('stops the work of a cancelled call', async () => {
    emulated.settings.change({ fixedLatencySeconds: 10_000 });
    const call = testCall();
    const generating = runJob(emulated.fal, job, call.context);
    await call.dispatch.reached('accepted');
    call.abort(new Error('cancelled by the user'));
    await expect(generating).rejects.toThrow('cancelled by the user');
    expect(emulated.journal.read().entries).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('tells the next call that a job somebody cancelled is over, which is no fault of its input', async () => {
    emulated.settings.change({ fal: { queueSeconds: 10_000 } });
    const patient = { ...job, deadlines: { ...testDeadlines, queueSeconds: 20_000 } };
    const first = testCall();
    const generating = runJob(emulated.fal, patient, first.context);
    await first.dispatch.reached('accepted');
    first.abort(new Error('cancelled by the user'));
    await expect(generating).rejects.toThrow('cancelled by the user');
    const next = testCall({ previous: first.dispatch.state });
    expect(await providerErrorOf(runJob(emulated.fal, patient, next.context))).toMatchObject({
      ...{ failureClass: 'transient', code: 'request_cancelled', certainty: 'accepted' },
      ...{ charge: undefined, endsJob: true },
    });
    expect(emulated.journal.read().totals).toMatchObject({ accepted: 1, chargedUsd: 0 });
  });

  it('refuses a wrong key', async () => {
    emulated.settings.change({ fal: { key: 'another:key' } });
    const error = await providerErrorOf(runJob(emulated.fal, job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'auth', code: 'unauthorized', certainty: 'not_sent' });
    const { signal } = new AbortController();
    expect(await emulated.fal.checkHealth({ signal })).toMatchObject({ healthy: false });
  });

  it.each([
    ['fal-ai/no-such-model', { prompt: 'x' }, 'auth', 'endpoint_missing'],
    ['fal-ai/flux/dev', {}, 'input', 'input_rejected'],
    [
      'fal-ai/bytedance/seedream/v4.5/text-to-image',
      { prompt: 'x', image_size: { width: 1024, height: 1024 } },
      'input',
      'input_rejected',
    ],
    [
      'fal-ai/clarity-upscaler',
      { image_url: 'https://elsewhere.example/a.png' },
      'transient',
      'file_download_error',
    ],
  ])('%s with %j ends as %s (%s), unpaid', async (endpoint, body, failureClass, code) => {
    const error = await providerErrorOf(
      runJob(emulated.fal, { ...job, endpoint, parameters: body }, testCall().context),
    );
    expect(error).toMatchObject({ failureClass, code });
    expect(paidJobs()).toBe(0);
  });

  it('is healthy while it is up', async () => {
    const { signal } = new AbortController();
    expect(await emulated.fal.checkHealth({ signal })).toMatchObject({ healthy: true });
  });

  it('downloads from no host that is not on the list', async () => {
    const { fal } = emulated.urls;
    const client = createFalClient({
      queueUrl: `${fal}/queue`,
      restUrl: `${fal}/rest`,
      platformUrl: `${fal}/platform`,
      key: 'id:secret',
      mediaHosts: ['fal.media'],
      firstPollPauseMs: 20,
    });
    const error = await providerErrorOf(runJob(client, job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'outage', code: 'media_host_foreign' });
  });
});
