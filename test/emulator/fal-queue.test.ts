import sharp from 'sharp';
import type { FaultName, FaultParameters } from '../../emulator/faults/fault-catalogue';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { exchange, json, type Exchange } from './support/exchange';
import { FalCaller, key, type FalOutput, type Ticket } from './support/fal-client';

const id = 'fal-ai/flux/dev';
const input = { prompt: 'a red door', image_size: 'square' };

let emulator: RunningEmulator;
let fal: FalCaller;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  fal = new FalCaller(emulator.urls.fal);
});
afterAll(() => emulator.close());
beforeEach(() => emulator.reset());

const add = (fault: FaultName, params: FaultParameters = {}): void =>
  void emulator.faults.add({ provider: 'fal', fault, params, times: 1 });
const cancel = ({ cancel_url: url }: Ticket): Promise<Exchange> => exchange('PUT', url, undefined, key);

describe('the queue', () => {
  it('names its URLs by owner and alias only', async () => {
    const ticket = await fal.submit(id, input);
    expect(ticket.response_url).toBe(`${emulator.urls.fal}/queue/fal-ai/flux/requests/${ticket.request_id}`);
    expect(ticket).toMatchObject({ status: 'IN_QUEUE', queue_position: 0 });
    const seedream = await fal.submit('fal-ai/bytedance/seedream/v4.5/text-to-image', { prompt: 'x' });
    expect(seedream.status_url).toContain('/queue/fal-ai/bytedance/requests/');
  });

  it('answers 405 to a status path with the full id and 404 under another alias', async () => {
    const { request_id: request } = await fal.submit(id, input);
    const full = await fal.get(`${emulator.urls.fal}/queue/${id}/requests/${request}/status`);
    const other = await fal.get(`${emulator.urls.fal}/queue/fal-ai/pulid/requests/${request}/status`);
    expect([full.status, other.status]).toEqual([405, 404]);
  });

  it('answers 202 while a request is not complete and 200 when it is', async () => {
    emulator.settings.change({ timeScale: 10 });
    const waiting = await fal.submit(id, input);
    const early = await fal.get(waiting.status_url);
    const result = await fal.get(waiting.response_url);
    emulator.settings.change({ timeScale: 0.001 });
    const done = await fal.submit(id, input);
    const stream = await fal.completed(done);
    // On a fast clock the stream may open late: what it then tells is the rest of the way.
    expect(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'].slice(-stream.length)).toEqual(stream);
    const late = await fal.get(`${done.status_url}?logs=1`);

    expect([early.status, json(early)['status']]).toEqual([202, 'IN_QUEUE']);
    expect([result.status, json(result)['detail']]).toEqual([400, 'Request is still in progress']);
    expect([late.status, json(late)]).toMatchObject([
      200,
      { status: 'COMPLETED', logs: [{ source: 'USER' }], metrics: {} },
    ]);
  });

  it('cancels what waits for nothing, what runs for its price, and nothing that is over', async () => {
    emulator.settings.change({ timeScale: 10 });
    const waiting = await cancel(await fal.submit(id, input));
    emulator.settings.change({ fal: { queueSeconds: 0 } });
    const ticket = await fal.submit(id, input);
    while (json(await fal.get(ticket.status_url))['status'] !== 'IN_PROGRESS');
    const running = await cancel(ticket);
    const again = await cancel(ticket);
    const unknown = await exchange(
      'PUT',
      `${emulator.urls.fal}/queue/fal-ai/flux/requests/none/cancel`,
      undefined,
      key,
    );

    const words = [waiting, running, again, unknown].map((reply) => [reply.status, json(reply)['status']]);
    expect(words).toEqual([
      [200, 'OK'],
      [202, 'CANCELLATION_REQUESTED'],
      [400, 'ALREADY_COMPLETED'],
      [404, 'NOT_FOUND'],
    ]);
    expect(emulator.journal.read().entries).toMatchObject([
      { outcome: 'cancelled', chargedUsd: 0 },
      { outcome: 'cancelled', chargedUsd: 0.006554 },
    ]);
  });

  it('works on while its edge is down, and has the result when it is back', async () => {
    const ticket = await fal.submit(id, input);
    await emulator.setProviderState('fal', 'down');
    await expect(fal.get(ticket.status_url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await emulator.setProviderState('fal', 'up');
    await fal.completed(ticket);
    expect((await fal.get(ticket.response_url)).status).toBe(200);
  });
});

describe('faults of the result', () => {
  it('nsfw_black: flagged, black and billed', async () => {
    add('nsfw_black');
    const { images = [], has_nsfw_concepts: flags } = json(await fal.result(id, input)) as FalOutput;
    expect(flags).toEqual([true]);
    expect(await brightness(images[0]?.url)).toBe(0);
    expect(emulator.journal.read().entries).toMatchObject([{ outcome: 'succeeded', chargedUsd: 0.006554 }]);
  });

  it('nsfw_black_unflagged: black without a word', async () => {
    add('nsfw_black_unflagged');
    const { images = [], has_nsfw_concepts: flags } = json(await fal.result(id, input)) as FalOutput;
    expect([flags, await brightness(images[0]?.url)]).toEqual([[false], 0]);
  });

  it('nsfw_partial: the second of two is black and flagged', async () => {
    add('nsfw_partial');
    const { images = [], has_nsfw_concepts: flags } = json(await fal.result(id, input)) as FalOutput;
    expect(flags).toEqual([false, true]);
    expect(await brightness(images[0]?.url)).toBeGreaterThan(0);
    expect(await brightness(images[1]?.url)).toBe(0);
  });

  it('no_images: an empty list', async () => {
    add('no_images');
    expect((json(await fal.result(id, input)) as FalOutput).images).toEqual([]);
  });

  const failures: [FaultName, FaultParameters, number, Record<string, unknown>, boolean][] = [
    ['policy_422', {}, 422, { detail: [{ type: 'content_policy_violation' }] }, true],
    [
      'validation_422',
      { field: 'seed', type: 'missing' },
      422,
      { detail: [{ loc: ['body', 'seed'], type: 'missing' }] },
      false,
    ],
    ['string_422', {}, 422, { detail: 'The input could not be processed' }, false],
    ['completed_then_error', {}, 500, { error_type: 'internal_server_error' }, true],
    [
      'completed_then_error',
      { status: 503, type: 'runner_disconnected' },
      503,
      { error_type: 'runner_disconnected' },
      true,
    ],
  ];
  it.each(failures)(
    '%s %j: COMPLETED, then %i; nothing is billed',
    async (fault, params, status, body, accepted) => {
      add(fault, params);
      const reply = await fal.result(id, input);
      expect([reply.status, json(reply)]).toMatchObject([status, body]);
      const { entries, rejections } = emulator.journal.read();
      expect(entries).toMatchObject(accepted ? [{ outcome: 'failed', chargedUsd: 0 }] : []);
      expect(rejections).toHaveLength(accepted ? 0 : 1);
    },
  );

  it("completed_then_error can blame the caller's own time limit", async () => {
    add('completed_then_error', { status: 504, type: 'request_timeout', userTimeout: true });
    expect((await fal.result(id, input)).headers).toMatchObject({
      'x-fal-request-timeout-type': 'user',
      'x-fal-error-type': 'request_timeout',
    });
  });
});

describe('faults of queue and URLs', () => {
  it('queue_stuck never leaves the queue, and can be cancelled for nothing', async () => {
    add('queue_stuck');
    const ticket = await fal.submit(id, input);
    await fal.result(id, input);
    expect(json(await fal.get(ticket.status_url))['status']).toBe('IN_QUEUE');
    expect(json(await cancel(ticket))['status']).toBe('OK');
    expect(emulator.journal.read().entries).toMatchObject([
      { outcome: 'cancelled', chargedUsd: 0 },
      { outcome: 'succeeded' },
    ]);
  });

  it('status_flaky fails two of five polls', async () => {
    add('status_flaky');
    const ticket = await fal.submit(id, input);
    await fal.completed(ticket);
    const statuses: number[] = [];
    for (let poll = 0; poll < 5; poll += 1) statuses.push((await fal.get(ticket.status_url)).status);
    expect(statuses).toEqual([500, 200, 502, 200, 200]);
  });

  it('wrong_poll_path hands out URLs that answer 405', async () => {
    add('wrong_poll_path');
    const ticket = await fal.submit(id, input);
    expect((await fal.get(ticket.status_url)).status).toBe(405);
  });

  it('foreign_urls and foreign_media hand out URLs of another host', async () => {
    add('foreign_urls', { origin: 'http://127.0.0.1:1' });
    expect((await fal.submit(id, input)).response_url).toMatch(/^http:\/\/127\.0\.0\.1:1\//);
    add('foreign_media', { origin: 'http://127.0.0.1:1' });
    expect((json(await fal.result(id, input)) as FalOutput).images?.[0]?.url).toMatch(
      /^http:\/\/127\.0\.0\.1:1\//,
    );
  });

  it('submit_lost accepts the request and drops the answer', async () => {
    add('submit_lost');
    await expect(fal.submit(id, input)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.journal.read().entries).toHaveLength(1);
  });

  it('reset_before_headers accepts nothing', async () => {
    add('reset_before_headers');
    await expect(fal.submit(id, input)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.journal.read().entries).toEqual([]);
  });

  const refusals: [FaultName, number, string][] = [
    ['rate_limited', 429, 'concurrency_limit'],
    ['auth_401', 401, 'No user found'],
    ['billing_403', 403, 'Exhausted balance'],
    ['html_502', 502, '<html>'],
    ['plain_500', 500, 'internal error'],
    ['http_503', 503, 'unavailable'],
    ['http_408', 408, 'timeout'],
  ];
  it.each(refusals)('%s answers the submit with %i', async (fault, status, says) => {
    add(fault);
    const reply = await exchange('POST', `${emulator.urls.fal}/queue/${id}`, input, key);
    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(says)]);
    expect(emulator.journal.read()).toMatchObject({ entries: [], rejections: [{ status }] });
  });

  it.each(['status', 'result'])('a fault can strike the %s instead', async (on) => {
    add('html_502', { on });
    const ticket = await fal.submit(id, input);
    await fal.completed(ticket);
    const url = on === 'status' ? ticket.status_url : ticket.response_url;
    expect([(await fal.get(url)).status, (await fal.get(url)).status]).toEqual([502, 200]);
  });
});

describe('faults of the download', () => {
  const broken: [FaultName, number, string][] = [
    ['media_404', 404, 'Not Found'],
    ['media_expired', 403, 'expired'],
    ['empty_200', 200, ''],
    ['html_200', 200, '<html>'],
    ['json_200', 200, '{"error":'],
  ];
  it.each(broken)('%s answers %i once, then the picture', async (fault, status, says) => {
    add(fault);
    const url = (json(await fal.result(id, input)) as FalOutput).images?.[0]?.url ?? '';
    const [first, second] = [await exchange('GET', url), await exchange('GET', url)];
    expect([first.status, first.text]).toEqual([status, expect.stringContaining(says)]);
    expect(await sharp(second.bytes).metadata()).toMatchObject({ format: 'jpeg' });
    expect(first.bytes.equals(second.bytes)).toBe(false);
  });

  it('reset_mid_body breaks off', async () => {
    add('reset_mid_body');
    const url = (json(await fal.result(id, input)) as FalOutput).images?.[0]?.url ?? '';
    await expect(exchange('GET', url)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

async function brightness(url: string | undefined): Promise<number> {
  const { channels } = await sharp((await exchange('GET', url ?? '')).bytes).stats();
  return Math.max(...channels.map(({ max }) => max));
}
