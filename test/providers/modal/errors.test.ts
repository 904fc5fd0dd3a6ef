import { inspect } from 'node:util';
import type { DispatchCertainty, FailureClass } from '../../../src/domain/taxonomy';
import { modalError } from '../../../src/providers/modal/errors';

const fastApi = (detail: unknown): string => JSON.stringify({ detail });
const caught = (error: string, type: string): string =>
  JSON.stringify({
    error,
    details: 'Traceback: File "/root/app.py", line 7, prompt="a private prompt"',
    type,
  });

type Row = [meaning: string, status: number, body: string, FailureClass, code: string, DispatchCertainty];
const table: Row[] = [
  ['missing field, FastAPI', 400, fastApi('lora_id is required'), 'input', 'input_rejected', 'not_sent'],
  [
    'missing field, catch-all',
    400,
    caught('400: x is required', 'HTTPException'),
    'input',
    'input_rejected',
    'not_sent',
  ],
  ['validation', 422, fastApi([]), 'input', 'input_rejected', 'not_sent'],
  ['too large', 413, '', 'input', 'request_too_large', 'not_sent'],
  ['no proxy credentials', 401, 'modal-http: missing credentials', 'auth', 'unauthorized', 'not_sent'],
  ['forbidden', 403, '', 'auth', 'forbidden', 'not_sent'],
  [
    'missing LoRA',
    404,
    fastApi('LoRA not found: character-x.safetensors'),
    'lora',
    'lora_missing',
    'not_sent',
  ],
  ['missing route', 404, fastApi('Not Found'), 'auth', 'route_missing', 'not_sent'],
  [
    'stopped app',
    404,
    'modal-http: app for invoked web endpoint is stopped',
    'auth',
    'route_missing',
    'not_sent',
  ],
  [
    'missing model files',
    404,
    caught('SeedVR2 models not found', 'HTTPException'),
    'outage',
    'models_missing',
    'not_sent',
  ],
  ['wrong method', 405, fastApi('Method Not Allowed'), 'auth', 'route_unsupported', 'not_sent'],
  ['unsupported', 501, fastApi({ error: 'x', alternatives: [] }), 'auth', 'route_unsupported', 'not_sent'],
  ['cold start given up', 408, 'timeout', 'transient', 'request_timeout', 'unknown'],
  ['rate limit', 429, 'modal-http: rate limited', 'capacity', 'rate_limited', 'not_sent'],
  ['KeyError', 500, caught("'prompt'", 'KeyError'), 'input', 'input_rejected', 'accepted'],
  [
    'ValueError',
    500,
    caught('source_image is required', 'ValueError'),
    'input',
    'input_rejected',
    'accepted',
  ],
  ['bad JSON', 500, caught('Expecting value', 'JSONDecodeError'), 'input', 'input_rejected', 'accepted'],
  [
    'wrong type',
    500,
    caught("unsupported operand: 'str'", 'TypeError'),
    'input',
    'input_rejected',
    'accepted',
  ],
  ['bad image', 500, caught('Invalid image format', 'Exception'), 'input', 'input_rejected', 'accepted'],
  [
    'nodes missing as 500',
    500,
    caught('SeedVR2 nodes not loaded', 'ValueError'),
    'outage',
    'nodes_not_loaded',
    'not_sent',
  ],
  [
    'models missing as 500',
    500,
    caught('SeedVR2 models not found', 'ValueError'),
    'outage',
    'nodes_not_loaded',
    'not_sent',
  ],
  [
    'LoRA not in list',
    500,
    caught("lora_name: 'x' not in list", 'Exception'),
    'lora',
    'lora_missing',
    'accepted',
  ],
  [
    'out of memory',
    500,
    caught('CUDA out of memory', 'RuntimeError'),
    'capacity',
    'out_of_gpu_memory',
    'accepted',
  ],
  [
    'out of memory by type',
    500,
    caught('allocation', 'OutOfMemoryError'),
    'capacity',
    'out_of_gpu_memory',
    'accepted',
  ],
  [
    'generation failed',
    500,
    caught('No output images found', 'Exception'),
    'transient',
    'generation_failed',
    'accepted',
  ],
  ['container crash', 500, 'modal-http: internal error: x', 'transient', 'container_crashed', 'unknown'],
  ['HTML page', 502, '<html>Bad Gateway</html>', 'transient', 'bad_gateway', 'unknown'],
  ['face swap failed', 502, fastApi('face swap failed'), 'transient', 'bad_gateway', 'accepted'],
  [
    'nodes not loaded',
    503,
    caught('503: InstantID nodes not loaded', 'HTTPException'),
    'outage',
    'nodes_not_loaded',
    'not_sent',
  ],
  ['unavailable', 503, 'modal-http: unavailable', 'transient', 'unavailable', 'unknown'],
  ['gateway timeout', 504, '', 'transient', 'gateway_timeout', 'unknown'],
  ['other redirect', 307, '', 'outage', 'redirect_unsupported', 'unknown'],
  ['empty success', 204, '', 'corrupt', 'unexpected_answer', 'unknown'],
  ['unknown client error', 418, '', 'auth', 'unexpected_refusal', 'not_sent'],
  ['unknown server error', 599, '', 'transient', 'unexpected_status', 'unknown'],
];

describe('what an answer of Modal means', () => {
  it.each(table)('%s (%d)', (_meaning, status, body, failureClass, code, certainty) => {
    const error = modalError({ status, body, answerTo: 'submit' });
    expect(error).toMatchObject({
      provider: 'modal',
      failureClass,
      code,
      certainty,
      status,
      endsJob: certainty === 'accepted',
    });
  });

  it('counts every answer at a result URL as a job that was accepted', () => {
    const error = modalError({ status: 400, body: fastApi('x is required'), answerTo: 'result' });
    expect(error).toMatchObject({ failureClass: 'input', certainty: 'accepted' });
  });

  it.each([
    [502, '<html>', false],
    [429, 'slow down', false],
    [502, fastApi('face swap failed'), true],
    [502, '{"error":"upstream connect error"}', false],
    [503, fastApi('Service Unavailable'), false],
    [504, '{"error":"timeout"}', false],
    [500, 'modal-http: internal error', true],
  ])('takes %d %p at a result URL for the end of the call: %p', (status, body, endsJob) => {
    expect(modalError({ status, body, answerTo: 'result' }).endsJob).toBe(endsJob);
  });

  it('takes a call the edge has forgotten for lost, not for a missing route', () => {
    const error = modalError({ status: 404, body: 'modal-http: invalid function call', answerTo: 'result' });
    expect(error).toMatchObject({ failureClass: 'transient', code: 'result_lost' });
  });

  it('names a missing field, and nothing else from the body', () => {
    const named = modalError({ status: 500, body: caught("'prompt'", 'KeyError'), answerTo: 'submit' });
    expect(named.message).toContain('prompt is missing');
    for (const body of [
      caught('failed: a private prompt', 'ValueError'),
      caught('a private prompt', 'Exception'),
    ]) {
      const shown = inspect(modalError({ status: 500, body, answerTo: 'submit' }));
      expect(shown).not.toMatch(/private|Traceback|\/root/);
    }
  });

  it('survives bodies that are no object', () => {
    for (const body of ['[]', 'null', '"text"', '{"detail":{"a":1},"error":5}', '{']) {
      expect(modalError({ status: 500, body, answerTo: 'submit' }).failureClass).toBe('transient');
    }
  });

  it('passes on what Retry-After asks for', () => {
    const error = modalError({ status: 429, body: '', retryAfter: '2', answerTo: 'submit' });
    expect(error.retryAfterMs).toBe(2000);
  });
});
