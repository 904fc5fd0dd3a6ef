import { inspect } from 'node:util';
import type { DispatchCertainty, FailureClass } from '../../../src/domain/taxonomy';
import { falError, falErrorOfType, type FalStep } from '../../../src/providers/fal/errors';

const model = (type: string, field = 'prompt'): string =>
  JSON.stringify({
    detail: [{ loc: ['body', field], msg: 'a private prompt', type, input: 'a private prompt' }],
  });
const platform = (error_type: string): string => JSON.stringify({ detail: 'a private prompt', error_type });
const text = JSON.stringify({ detail: 'a private prompt' });

function errorFor(status: number, body: string, step: FalStep, headers: Record<string, string> = {}) {
  return falError({ status, body, step, header: (name) => headers[name] });
}

type Row = [meaning: string, number, string, FalStep, FailureClass, code: string, DispatchCertainty];
const table: Row[] = [
  [
    'policy at the result',
    422,
    model('content_policy_violation'),
    'result',
    'policy',
    'content_policy_violation',
    'accepted',
  ],
  [
    'policy, platform shape',
    422,
    platform('content_policy_violation'),
    'submit',
    'policy',
    'content_policy_violation',
    'not_sent',
  ],
  ['missing field', 422, model('missing'), 'result', 'input', 'input_rejected', 'accepted'],
  [
    'input not fetched',
    422,
    model('file_download_error', 'image_url'),
    'result',
    'transient',
    'file_download_error',
    'accepted',
  ],
  [
    'input not fetched, told at once',
    422,
    model('file_download_error', 'image_url'),
    'submit',
    'transient',
    'file_download_error',
    'not_sent',
  ],
  ['bad file', 422, model('image_load_error', 'image_url'), 'result', 'input', 'input_rejected', 'accepted'],
  [
    'cancelled job',
    400,
    platform('request_cancelled'),
    'result',
    'transient',
    'request_cancelled',
    'accepted',
  ],
  ['text detail', 422, text, 'submit', 'input', 'input_rejected', 'not_sent'],
  ['bad request', 400, text, 'submit', 'input', 'input_rejected', 'not_sent'],
  ['too large', 413, '', 'submit', 'input', 'request_too_large', 'not_sent'],
  ['bad key', 401, text, 'submit', 'auth', 'unauthorized', 'not_sent'],
  ['locked account', 403, text, 'submit', 'auth', 'forbidden', 'not_sent'],
  ['unknown endpoint', 404, text, 'submit', 'auth', 'endpoint_missing', 'not_sent'],
  ['lost while queued', 404, text, 'status', 'transient', 'request_lost', 'accepted'],
  ['lost result', 404, text, 'result', 'transient', 'request_lost', 'accepted'],
  ['look refused', 403, text, 'list', 'auth', 'forbidden', 'unknown'],
  ['wrong method', 405, '', 'status', 'auth', 'route_unsupported', 'accepted'],
  ['rate limit', 429, text, 'submit', 'capacity', 'rate_limited', 'not_sent'],
  ['request timeout', 408, platform('request_timeout'), 'result', 'transient', 'request_timeout', 'accepted'],
  ['startup timeout', 504, platform('startup_timeout'), 'result', 'transient', 'startup_timeout', 'accepted'],
  ['plain 504', 504, '', 'result', 'transient', 'gateway_timeout', 'accepted'],
  [
    'internal error',
    500,
    platform('internal_server_error'),
    'result',
    'transient',
    'internal_server_error',
    'accepted',
  ],
  ['plain 500', 500, 'oops', 'submit', 'transient', 'generation_failed', 'unknown'],
  ['bad gateway', 502, '<html>', 'submit', 'transient', 'bad_gateway', 'unknown'],
  [
    'runner lost',
    503,
    platform('runner_disconnected'),
    'result',
    'transient',
    'runner_disconnected',
    'accepted',
  ],
  ['plain 503', 503, '', 'submit', 'transient', 'unavailable', 'unknown'],
  ['upload refused', 401, text, 'upload', 'auth', 'unauthorized', 'not_sent'],
  ['upload failed', 500, '', 'upload', 'transient', 'generation_failed', 'not_sent'],
  ['redirect', 302, '', 'submit', 'outage', 'redirect_unsupported', 'not_sent'],
  ['unknown client error', 418, '', 'submit', 'auth', 'unexpected_refusal', 'not_sent'],
  ['unknown server error', 599, '', 'submit', 'transient', 'unexpected_status', 'unknown'],
];

describe('what an answer of Fal means', () => {
  it.each(table)('%s (%d)', (_meaning, status, body, step, failureClass, code, certainty) => {
    expect(errorFor(status, body, step)).toMatchObject({
      provider: 'fal',
      failureClass,
      code,
      certainty,
      status,
    });
  });

  it('takes a 504 for a full queue when the limit was ours', () => {
    const error = errorFor(504, '', 'result', { 'x-fal-request-timeout-type': 'user' });
    expect(error).toMatchObject({
      ...{ failureClass: 'capacity', code: 'queue_timeout' },
      ...{ endsJob: true, charge: 'none' },
    });
  });

  it('reads the type from the header when the body has none', () => {
    const error = errorFor(422, text, 'result', { 'x-fal-error-type': 'content_policy_violation' });
    expect(error.failureClass).toBe('policy');
  });

  it('never decides by wording: a size error that speaks of policy is an input error', () => {
    const body = JSON.stringify({
      detail: [{ loc: ['body', 'image_size'], msg: 'content policy 422', type: 'value_error' }],
    });
    expect(errorFor(422, body, 'result').failureClass).toBe('input');
  });

  it('names the field and the type, and nothing else from the body', () => {
    const error = errorFor(422, model('missing', 'image_url'), 'result');
    expect(error.message).toBe('Fal refused the input (image_url, missing)');
    expect(inspect(error)).not.toContain('private');
    expect(inspect(errorFor(422, text, 'submit'))).not.toContain('private');
  });

  it.each<[FalStep, number, string, boolean]>([
    ['status', 500, text, false],
    ['status', 404, text, false],
    ['status', 400, text, false],
    ['status', 422, model('value_error'), false],
    ['result', 302, text, false],
    ['result', 404, text, false],
    ['result', 422, '<html>', false],
    ['result', 502, '<html>', false],
    ['result', 504, '', false],
    // A gateway's words, and those of a job that is not done yet.
    ['result', 503, '{"detail":"Service Unavailable"}', false],
    ['result', 405, '{"detail":"Method Not Allowed"}', false],
    ['result', 400, '{"detail":"Request is still in progress"}', false],
    ['result', 500, platform('internal_server_error'), true],
    ['result', 422, model('value_error'), true],
    ['result', 422, '{"detail":{"a":1}}', true],
    ['submit', 503, '', false],
  ])('takes the job for over after a %s answered with %d %p: %p', (step, status, body, endsJob) => {
    expect(errorFor(status, body, step).endsJob).toBe(endsJob);
  });

  it.each([400, 422, 418])('blames neither input nor key for a %d on a poll of an accepted job', (status) => {
    expect(errorFor(status, text, 'status').failureClass).toBe('transient');
    expect(errorFor(status, '<html>', 'result').failureClass).toBe('transient');
  });

  it('tells its own word that a request is unknown from a page of somebody else', () => {
    const word = JSON.stringify({ status: 'NOT_FOUND' });
    expect(errorFor(404, word, 'status').code).toBe('request_lost');
    expect(errorFor(404, '<html>', 'status')).toMatchObject({ code: 'reply_foreign', endsJob: false });
  });

  it.each([
    // It may have run for a while before it was called off.
    ['request_cancelled', 400, platform('request_cancelled'), undefined],
    ['file_download_error', 422, model('file_download_error', 'image_url'), 'none'],
  ])('takes a job for over whose result is %s', (_type, status, body, charge) => {
    expect(errorFor(status, body, 'result')).toMatchObject({ charge, endsJob: true });
  });

  it('survives bodies that are no object', () => {
    for (const body of ['[]', 'null', '{"detail":[{"msg":"x"}]}', '{"detail":{"a":1}}', '{']) {
      expect(errorFor(422, body, 'submit').failureClass).toBe('input');
    }
  });

  it('passes on what Retry-After asks for', () => {
    expect(errorFor(429, text, 'submit', { 'retry-after': '2' }).retryAfterMs).toBe(2000);
  });

  it('knows the error type of a finished job, and takes an unknown one for a failed generation', () => {
    expect(falErrorOfType('content_policy_violation', 'r1').failureClass).toBe('policy');
    expect(falErrorOfType('runner_disconnected', 'r1')).toMatchObject({ code: 'runner_disconnected' });
    expect(falErrorOfType('never_heard_of', 'r1')).toMatchObject({
      failureClass: 'transient',
      certainty: 'accepted',
    });
  });
});
