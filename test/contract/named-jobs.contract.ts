import { createHash, randomUUID } from 'node:crypto';
import { exchange, json, type Exchange } from '../emulator/support/exchange';

/** A running app with named jobs. */
export interface NamedJobsApp {
  /** Without a slash at its end. */
  baseUrl: string;
  close(): Promise<void>;
}

/** What a PUT asks for. */
export interface NamedOrder {
  path: string;
  body: Record<string, unknown>;
}

/** Orders of the app at hand. */
export interface SampleOrders {
  /** Ends well. */
  works: NamedOrder;
  /** Ends well, and takes long enough to be seen at work. */
  slow: NamedOrder;
  /** Whose routes answer an error, the same one every time. */
  refused: readonly NamedOrder[];
}

interface JobState {
  key: string;
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  callId: string | null;
  runs: number;
  acceptedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  error: { status: number | null; contentType: string | null; body: string; code: string } | null;
  seconds: number | null;
  costUsd: number | null;
  headers: Record<string, string>;
  mediaType: string | null;
  bytes: number | null;
  sha256: string | null;
}

/** Price of a GPU second of the app at hand. */
export const usdPerSecond = 0.000542;

/** The first start may have to install what the app needs. */
const startTimeoutMs = 360_000;

/** The wire form of named jobs, word by word, whoever serves it. */
export function describeNamedJobs(start: () => Promise<NamedJobsApp>, orders: SampleOrders): void {
  const { works, slow } = orders;
  let app: NamedJobsApp;
  beforeAll(async () => {
    app = await start();
  }, startTimeoutMs);
  afterAll(() => app.close());

  const newKey = (): string => `Set_1:${randomUUID()}.a-0`;
  const send = (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Exchange> => exchange(method, `${app.baseUrl}${path}`, body, headers);
  const put = (key: string, order: unknown = works): Promise<Exchange> => send('PUT', `/jobs/${key}`, order);
  const look = (key: string, wait = 0): Promise<Exchange> => send('GET', `/jobs/${key}?wait=${wait}`);
  const download = (key: string, headers?: Record<string, string>): Promise<Exchange> =>
    send('GET', `/jobs/${key}/result`, undefined, headers);
  const stop = (key: string): Promise<Exchange> => send('DELETE', `/jobs/${key}`);
  const voidKey = (key: string): Promise<Exchange> => send('POST', `/jobs/${key}/void`);
  const stateOf = (reply: Exchange): JobState => json(reply) as unknown as JobState;
  const said = (reply: Exchange): [number, unknown] => [reply.status, json(reply)['code']];

  async function until(key: string, isSo: (state: JobState) => boolean, wait: number): Promise<JobState> {
    for (;;) {
      const state = stateOf(await look(key, wait));
      if (isSo(state)) return state;
    }
  }
  const ended = (key: string): Promise<JobState> => until(key, ({ endedAt }) => endedAt !== null, 60);
  const begun = (key: string): Promise<JobState> => until(key, ({ state }) => state !== 'queued', 0);
  async function made(order: NamedOrder = works): Promise<JobState> {
    const key = newKey();
    expect((await put(key, order)).status).toBe(202);
    return await ended(key);
  }

  describe('health', () => {
    it('says that the app takes named jobs', async () => {
      const reply = await send('GET', '/health');
      expect([reply.status, json(reply)]).toEqual([
        200,
        { status: 'healthy', app: expect.any(String) as unknown, namedJobs: 1 },
      ]);
    });
  });

  describe('PUT', () => {
    it('accepts a job, and tells its whole state', async () => {
      const key = newKey();
      const reply = await put(key, slow);
      expect(reply.status).toBe(202);
      const { startedAt, ...state } = json(reply);
      expect(typeof startedAt === 'string' ? 'running' : 'queued').toBe(state['state']);
      expect(state).toEqual({
        key,
        state: expect.any(String) as unknown,
        callId: expect.any(String) as unknown,
        runs: startedAt === null ? 0 : 1,
        acceptedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
        endedAt: null,
        error: null,
        seconds: null,
        costUsd: null,
        headers: {},
        mediaType: null,
        bytes: null,
        sha256: null,
      });
      await stop(key);
    });

    it('repeated with the same path and body is the same job, however the fields are ordered', async () => {
      const key = newKey();
      const first = stateOf(await put(key));
      const { path, body } = works;
      const again = await put(key, { body: Object.fromEntries(Object.entries(body).reverse()), path });
      expect([again.status, stateOf(again).callId]).toEqual([200, first.callId]);
      await ended(key);
      const late = await put(key);
      expect([late.status, stateOf(late)]).toMatchObject([200, { state: 'succeeded', runs: 1 }]);
    });

    it('of one key from many at once is accepted once', async () => {
      const key = newKey();
      const replies = await Promise.all(Array.from({ length: 8 }, () => put(key)));
      const statuses = replies.map(({ status }) => status).sort((left, right) => left - right);
      expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 202]);
      expect(await ended(key)).toMatchObject({ state: 'succeeded', runs: 1 });
    });

    it('with another body or path is refused, and changes nothing', async () => {
      const key = newKey();
      await put(key);
      const { path, body } = works;
      expect(said(await put(key, { path, body: { ...body, other: 1 } }))).toEqual([409, 'other_body']);
      expect(said(await put(key, { path: `${path}-other`, body }))).toEqual([409, 'other_body']);
      expect(await ended(key)).toMatchObject({ state: 'succeeded', runs: 1 });
    });

    it.each([
      ['no JSON', '{'],
      ['no object', [1]],
      ['no path', { body: {} }],
      ['a path without a slash', { path: 'flux', body: {} }],
      ['a path with a query', { path: '/flux?x=1', body: {} }],
      ['no body', { path: '/flux' }],
    ])('of %s is 400', async (_what, order) => {
      const key = newKey();
      expect(said(await put(key, order))).toEqual([400, 'bad_request']);
      expect(said(await look(key))).toEqual([404, 'never_accepted']);
    });
  });

  describe('a key', () => {
    it('may hold 200 of the allowed characters', async () => {
      const key = `aZ9._:-${'x'.repeat(193 - 32)}${randomUUID().replaceAll('-', '')}`;
      const reply = await put(key);
      expect([reply.status, stateOf(reply).key]).toEqual([202, key]);
      const escaped = await look(key.replaceAll(':', '%3A'));
      expect([escaped.status, stateOf(escaped).key]).toEqual([200, key]);
    });

    it.each([
      ['a blank', 'a%20b'],
      ['a slash', 'a%2Fb'],
      ['another letter', 'caf%C3%A9'],
      ['a percent sign', '%25'],
      ['201 characters', 'x'.repeat(201)],
    ])('cannot have %s', async (_what, key) => {
      const replies = [
        await put(key),
        await look(key),
        await download(key),
        await stop(key),
        await voidKey(key),
      ];
      expect(replies.map(said)).toEqual(replies.map(() => [400, 'bad_request']));
    });

    it('that was never accepted is 404, for whatever is asked of it', async () => {
      const key = newKey();
      const replies = [await look(key), await look(key, 25), await download(key), await stop(key)];
      expect(replies.map(said)).toEqual(replies.map(() => [404, 'never_accepted']));
    });

    it('has no other routes', async () => {
      const key = newKey();
      const replies = [await send('PATCH', `/jobs/${key}`), await send('GET', `/jobs/${key}/void`)];
      expect(replies.map(({ status }) => status)).toEqual([400, 400]);
    });
  });

  describe('GET', () => {
    it('answers at once without a wait, and with one when the job has ended', async () => {
      const key = newKey();
      await put(key, slow);
      expect(stateOf(await look(key))).toMatchObject({
        state: /queued|running/,
        endedAt: null,
        costUsd: null,
      });
      const state = await ended(key);
      expect(state).toMatchObject({ key, state: 'succeeded', runs: 1, error: null });
      const { acceptedAt, startedAt, endedAt } = state;
      const times = [acceptedAt, startedAt, endedAt].map((time) => Date.parse(time ?? ''));
      expect(times).toEqual([...times].sort((left, right) => left - right));
      expect(state.seconds).toBeGreaterThan(0);
      expect(stateOf(await look(key))).toEqual(state);
    });

    it('with a wait returns when that is over, though the job goes on', async () => {
      const key = newKey();
      await put(key, slow);
      expect(stateOf(await look(key, 0.01))).toMatchObject({ endedAt: null });
      await stop(key);
    });

    it('takes no wait that is no number of seconds, and cuts one that is too long', async () => {
      const { key } = await made();
      const replies = await Promise.all(
        ['soon', '-1', 'NaN'].map((wait) => send('GET', `/jobs/${key}?wait=${wait}`)),
      );
      expect(replies.map(said)).toEqual(replies.map(() => [400, 'bad_request']));
      expect((await look(key, 3600)).status).toBe(200);
    });
  });

  describe('the result', () => {
    it('is the bytes the state tells of, as often as wanted', async () => {
      const { key, sha256, bytes, mediaType } = await made();
      const direct = await send('POST', works.path, works.body);
      for (const reply of [await download(key), await download(key)]) {
        expect(reply.status).toBe(200);
        expect(reply.headers).toMatchObject({ etag: `"${sha256}"`, 'content-type': mediaType });
        expect([reply.bytes.length, hash(reply.bytes)]).toEqual([bytes, sha256]);
        expect(reply.headers['content-type']).toBe(direct.headers['content-type']);
      }
    });

    it('can be had in parts', async () => {
      const { key, sha256 } = await made();
      const { bytes: whole } = await download(key);
      const { length } = whole;
      const parts: [range: string, first: number, last: number][] = [
        ['bytes=0-3', 0, 3],
        ['bytes=4-', 4, length - 1],
        ['bytes=-5', length - 5, length - 1],
        [`bytes=2-${length + 99}`, 2, length - 1],
        [`bytes=-${length + 99}`, 0, length - 1],
      ];
      for (const [range, first, last] of parts) {
        const reply = await download(key, { range });
        expect(reply.status).toBe(206);
        expect(reply.headers).toMatchObject({
          'content-range': `bytes ${first}-${last}/${length}`,
          etag: `"${sha256}"`,
        });
        expect(reply.bytes.equals(whole.subarray(first, last + 1))).toBe(true);
      }
    });

    it('has no part beyond its end', async () => {
      const { key, bytes } = await made();
      const reply = await download(key, { range: `bytes=${bytes}-` });
      expect([reply.status, reply.headers['content-range']]).toEqual([416, `bytes */${bytes}`]);
    });

    it.each(['bytes=3-1', 'pages=1-2', 'bytes=0-1,3-4', 'bytes=-'])(
      'comes whole where the range %s is no single part',
      async (range) => {
        const { key, bytes } = await made();
        const reply = await download(key, { range });
        expect([reply.status, reply.bytes.length]).toEqual([200, bytes]);
      },
    );

    it('comes whole where the part belongs to another result, and not at all where it is known', async () => {
      const { key, bytes, sha256 } = await made();
      const range = 'bytes=0-1';
      expect((await download(key, { range, 'if-range': `"${sha256}"` })).bytes.length).toBe(2);
      expect((await download(key, { range, 'if-range': '"other"' })).bytes.length).toBe(bytes);
      expect((await download(key, { 'if-none-match': `"${sha256}"` })).status).toBe(304);
    });

    it('of a job that has none (yet) is 409, with the state', async () => {
      const key = newKey();
      await put(key, slow);
      const early = await download(key);
      expect(said(early)).toEqual([409, 'not_finished']);
      expect(json(early)['job']).toMatchObject({ key, endedAt: null });
      await stop(key);
      expect(said(await download(key))).toEqual([409, 'not_finished']);
    });
  });

  describe('DELETE', () => {
    it('stops a job at work, says what that bills, and says the same again', async () => {
      const key = newKey();
      await put(key, slow);
      await begun(key);
      const reply = await stop(key);
      const { billing, stopped, ...state } = json(reply);
      expect([reply.status, stopped, state['state'], state['runs']]).toEqual([200, true, 'cancelled', 1]);
      expect(billing).toEqual({ billed: true, seconds: state['seconds'], costUsd: state['costUsd'] });
      expect(state['seconds']).toBeGreaterThan(0);
      const again = json(await stop(key));
      expect(again).toMatchObject({ state: 'cancelled', stopped: true, billing: { billed: true } });
      expect(again['endedAt']).toBe(state['endedAt']);
      expect(stateOf(await look(key, 60))).toMatchObject({ state: 'cancelled', error: null, bytes: null });
    });

    it('ends it for good: the same PUT does not run it again', async () => {
      const key = newKey();
      await put(key, slow);
      await stop(key);
      const reply = await put(key, slow);
      expect([reply.status, stateOf(reply).state]).toEqual([200, 'cancelled']);
    });

    it('of a job that has ended changes nothing', async () => {
      const { key, seconds, costUsd } = await made();
      const reply = json(await stop(key));
      expect(reply).toMatchObject({
        state: 'succeeded',
        stopped: false,
        billing: { billed: true, seconds, costUsd },
      });
      expect((await download(key)).status).toBe(200);
    });
  });

  describe('void', () => {
    it('of a key that was never accepted is final', async () => {
      const key = newKey();
      for (const reply of [await voidKey(key), await voidKey(key)]) {
        expect([reply.status, json(reply)]).toEqual([200, { key, state: 'voided' }]);
      }
      const replies = [
        await put(key),
        await look(key),
        await look(key, 25),
        await download(key),
        await stop(key),
      ];
      expect(replies.map(said)).toEqual(replies.map(() => [410, 'voided']));
      expect((await voidKey(key)).status).toBe(200);
    });

    it('of a key that was accepted is refused, and the job goes on', async () => {
      const key = newKey();
      await put(key);
      const reply = await voidKey(key);
      expect(said(reply)).toEqual([409, 'already_accepted']);
      expect(json(reply)['job']).toMatchObject({ key, runs: expect.any(Number) as unknown });
      expect(await ended(key)).toMatchObject({ state: 'succeeded' });
      expect(said(await voidKey(key))).toEqual([409, 'already_accepted']);
    });

    it('and a PUT at the same time: one of them wins, and both say which', async () => {
      const pairs = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const key = newKey();
          const first = index % 2 === 0 ? put(key) : voidKey(key);
          const second = index % 2 === 0 ? voidKey(key) : put(key);
          const statuses = (await Promise.all([first, second])).map(({ status }) => status);
          if (index % 2 === 1) statuses.reverse();
          return [...statuses, (await look(key)).status];
        }),
      );
      for (const statuses of pairs) {
        expect(statuses).toEqual(statuses[0] === 202 ? [202, 409, 200] : [410, 200, 410]);
      }
    });
  });

  describe('a route that answers an error', () => {
    it.each([
      ...orders.refused.map(({ path, body }) => [path, body] as const),
      ['/no-such-route', {}] as const,
    ])('%s %j is accepted, and ends failed with that answer word for word', async (path, body) => {
      const direct = await send('POST', path, body);
      expect(direct.status).toBeGreaterThanOrEqual(400);
      const { key, ...state } = await made({ path, body });
      expect(state).toMatchObject({
        state: 'failed',
        runs: 1,
        error: {
          status: direct.status,
          contentType: direct.headers['content-type'],
          body: direct.text,
          code: 'route_error',
        },
        mediaType: null,
        bytes: null,
        sha256: null,
      });
      expect(said(await download(key))).toEqual([409, 'not_finished']);
    });
  });

  describe('a route that refuses at once', () => {
    it.each([
      ...orders.refused.map(({ path, body }) => [path, body] as const),
      ['/no-such-route', {}] as const,
    ])('%s %j is billed for the moment it ran', async (path, body) => {
      const { key, seconds, costUsd } = await made({ path, body });
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThan(10);
      expect(costUsd).toBeGreaterThan(0);
      expect(Math.abs(Number(costUsd) - Number(seconds) * usdPerSecond)).toBeLessThan(1e-6);
      expect(json(await stop(key))).toMatchObject({
        stopped: false,
        billing: { billed: true, seconds, costUsd },
      });
    });
  });

  describe('the routes of the app', () => {
    it('are left as they are', async () => {
      const reply = await send('POST', works.path, works.body);
      expect(reply.status).toBe(200);
      expect(reply.bytes.length).toBeGreaterThan(0);
    });
  });
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
