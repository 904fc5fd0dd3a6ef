import type { FaultName, FaultParameters } from '../../emulator/faults/fault-catalogue';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { modalEndpoints } from '../../emulator/modal/endpoints';
import { exchange, json, type Exchange } from './support/exchange';
import { samplePng } from './support/pictures';

let emulator: RunningEmulator;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
});
afterAll(() => emulator.close());
beforeEach(() => emulator.reset());

const call = (seed = 5): Promise<Exchange> =>
  exchange('POST', `${emulator.urls.modal}/ryla-flux/flux-dev`, {
    prompt: 'a red door',
    width: 64,
    height: 64,
    seed,
  });
const add = (fault: FaultName, params: FaultParameters = {}): void =>
  void emulator.faults.add({ provider: 'modal', fault, params, times: 1 });

type Row = [
  fault: FaultName,
  params: FaultParameters,
  status: number,
  says: string,
  outcome: 'none' | 'failed' | 'succeeded',
];
const answers: Row[] = [
  ['lora_missing', {}, 404, 'LoRA not found', 'none'],
  ['route_missing', {}, 404, '{"detail":"Not Found"}', 'none'],
  ['app_stopped', {}, 404, 'modal-http: app for invoked web endpoint is stopped', 'none'],
  ['input_as_500', {}, 500, '"type":"KeyError"', 'none'],
  ['input_as_500', { field: 'seed' }, 500, `"error":"'seed'"`, 'none'],
  ['crash_500', {}, 500, '"type":"RuntimeError"', 'failed'],
  [
    'crash_500',
    { type: 'OutOfMemoryError', message: 'CUDA out of memory' },
    500,
    'CUDA out of memory',
    'failed',
  ],
  ['plain_500', {}, 500, 'modal-http: internal error', 'failed'],
  ['html_502', {}, 502, '<html>', 'none'],
  ['http_503', {}, 503, 'service unavailable', 'none'],
  ['http_408', {}, 408, 'timeout', 'none'],
  ['http_504', {}, 504, 'timeout', 'none'],
  ['rate_limited', {}, 429, 'too many requests', 'none'],
  ['auth_401', {}, 401, 'modal-http: invalid credentials', 'none'],
  ['billing_403', {}, 403, 'spend limit', 'none'],
  ['faceswap_502', {}, 502, '{"detail":"Face swap service failed"}', 'none'],
  ['html_200', {}, 200, '<html>', 'succeeded'],
  ['json_200', {}, 200, '{"error":', 'succeeded'],
  ['empty_200', {}, 200, '', 'succeeded'],
];

describe('a fault that answers', () => {
  it.each(answers)('%s %j is %i', async (fault, params, status, says, outcome) => {
    add(fault, params);
    const reply = await call();

    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(says)]);
    const { entries } = emulator.journal.read();
    expect(entries.map((entry) => entry.outcome)).toEqual(outcome === 'none' ? [] : [outcome]);
    expect(entries.every((entry) => entry.chargedUsd > 0 && !entry.responseDelivered)).toBe(true);
    expect((await call()).status).toBe(200);
  });

  it.each([
    ['2', 2],
    ['-5', -5],
    ['soon', 'soon'],
    [undefined, null],
  ])('rate_limited sends Retry-After %s', async (sent, retryAfter) => {
    add('rate_limited', { retryAfter });
    expect((await call()).headers['retry-after']).toBe(sent);
  });

  it.each([
    ['nodes_503', 'ryla-instantid/sdxl-instantid', 503, 'HTTPException', 'not loaded'],
    ['nodes_503', 'ryla-instantid/flux-ipadapter-faceid', 503, 'HTTPException', 'not loaded'],
    ['model_files_missing', 'ryla-seedvr2/seedvr2', 404, 'FileNotFoundError', 'not found'],
  ] as const)(
    '%s strikes %s, and no route that never answers so',
    async (fault, route, status, type, says) => {
      add(fault);
      expect((await call()).status).toBe(200);
      const reply = await exchange('POST', `${emulator.urls.modal}/${route}`, { prompt: 'x' });
      expect(reply.status).toBe(status);
      expect(json(reply)).toMatchObject({ type, error: expect.stringContaining(says) as unknown });
      expect(emulator.journal.read().entries).toHaveLength(1);
    },
  );

  it.each([
    ['/sdxl-instantid', 'step 503 of 1000 failed', 503],
    ['/sdxl-instantid', 'model is not loaded', 503],
    ['/flux-ipadapter-faceid', 'tensor of 400 elements', 400],
    ['/flux-ipadapter-faceid', 'Bad request to the API', 400],
    ['/sdxl-instantid', 'model files not found', 500],
    ['/seedvr2', 'VAE file not found', 404],
    ['/seedvr2', 'SeedVR2 nodes are not loaded', 500],
    ['/seedvr2', 'error 503', 500],
    ['/flux-pulid', 'error 503: not loaded', 500],
    ['/flux-dev', 'model not found', 500],
  ])(
    '%s that fails with "%s" is %i: the words decide where the route catches all',
    async (path, message, status) => {
      add('crash_500', { message });
      emulator.settings.change({ fixedLatencySeconds: 1 });
      const picture = await samplePng();
      const inline = `data:image/png;base64,${picture.toString('base64')}`;
      const { app } = modalEndpoints.find((endpoint) => endpoint.path === path) ?? { app: '' };
      const body = {
        prompt: 'x',
        width: 64,
        height: 64,
        reference_image: inline,
        image: picture.toString('base64'),
      };
      const reply = await exchange('POST', `${emulator.urls.modal}/${app}${path}`, body);
      expect([reply.status, json(reply)['error']]).toEqual([status, message]);
    },
  );

  it('crash_500 leaks a traceback, as the real handlers do', async () => {
    add('crash_500');
    expect(json(await call())['details']).toContain('File "/root/apps/ryla-flux/');
  });
});

describe('a fault of the connection', () => {
  it('reset_before_headers leaves no job behind', async () => {
    add('reset_before_headers');
    await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.journal.read().entries).toEqual([]);
  });

  it('submit_lost leaves a job that is charged', async () => {
    add('submit_lost');
    await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await call();
    expect(emulator.journal.read().entries).toMatchObject([
      { responseDelivered: false },
      { responseDelivered: true },
    ]);
  });

  it.each([
    ['accepted_504', 504],
    ['accepted_502', 502],
  ] as const)('%s leaves a job that is charged', async (fault, status) => {
    add(fault);
    expect((await call()).status).toBe(status);
    await call();
    expect(emulator.journal.read().entries).toMatchObject([
      { outcome: 'succeeded', responseDelivered: false },
      { outcome: 'succeeded', responseDelivered: true },
    ]);
  });

  it('reset_mid_body breaks off in the middle', async () => {
    add('reset_mid_body');
    await expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.journal.read().entries).toMatchObject([
      { outcome: 'succeeded', responseDelivered: false },
    ]);
  });

  it('truncated looks like a whole answer and is half of one', async () => {
    add('truncated');
    const [half, whole] = [await call(), await call()];
    expect(half.headers['content-length']).toBeUndefined();
    expect(whole.bytes.subarray(0, half.bytes.length).equals(half.bytes)).toBe(true);
    expect(half.bytes.length).toBeLessThan(whole.bytes.length);
  });
});

describe('a fault of the picture or its headers', () => {
  it('wrong_content_type serves PNG bytes under another type', async () => {
    add('wrong_content_type', { value: 'application/octet-stream' });
    const reply = await call();
    expect(reply.headers['content-type']).toBe('application/octet-stream');
    expect(reply.bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  it('bad_cost_headers sends nonsense as the cost, no_cost_headers none', async () => {
    emulator.settings.change({ costHeaders: true });
    add('bad_cost_headers', { value: '-1' });
    expect((await call()).headers['x-cost-usd']).toBe('-1');
    add('no_cost_headers');
    expect((await call()).headers['x-cost-usd']).toBeUndefined();
  });

  it('same_seed gives one picture for two seeds', async () => {
    emulator.faults.add({ provider: 'modal', fault: 'same_seed' });
    expect((await call(1)).bytes.equals((await call(2)).bytes)).toBe(true);
    emulator.faults.clear();
    expect((await call(1)).bytes.equals((await call(2)).bytes)).toBe(false);
  });
});

describe('which requests a fault strikes', () => {
  it('only those that match in path, app and prompt', async () => {
    const rules = [{ path: '/flux' }, { app: 'ryla-qwen-image' }, { promptIncludes: 'blue' }];
    for (const match of rules) emulator.faults.add({ provider: 'modal', fault: 'html_502', match });
    emulator.faults.add({ provider: 'fal', fault: 'html_502' });
    expect((await call()).status).toBe(200);
    emulator.faults.add({
      provider: 'modal',
      fault: 'http_408',
      match: { path: '/flux*', app: 'ryla-flux', promptIncludes: 'RED' },
    });
    expect((await call()).status).toBe(408);
  });

  it('as often as asked, and with a probability the same ones every time', async () => {
    const run = async (): Promise<number[]> => {
      await emulator.reset();
      emulator.faults.add({ provider: 'modal', fault: 'html_502', probability: 0.5 });
      const statuses: number[] = [];
      for (let index = 0; index < 12; index += 1) statuses.push((await call()).status);
      return statuses;
    };
    const first = await run();
    expect(new Set(first)).toEqual(new Set([200, 502]));
    expect(await run()).toEqual(first);
  });
});
