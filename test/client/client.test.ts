import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  ApiError,
  createGenerationClient,
  NoAnswer,
  StillRunning,
  type ClientOptions,
} from '../../client/src';
import { openTestApi, type TestApi } from '../api/test-api';
import { picture } from '../assets/pictures';

type Step = (request: Request) => Response | Error;

/** A client whose requests are answered by a script, the last step again and again. */
function scripted(steps: Step[], options: Partial<ClientOptions> = {}) {
  const sent: Request[] = [];
  const client = createGenerationClient({
    baseUrl: 'http://api.test',
    apiKey: 'ryla_secret',
    ...options,
    fetch: async (request) => {
      sent.push(request);
      const step = steps[Math.min(sent.length, steps.length) - 1];
      const answer = step?.(request) ?? new Error('nothing is scripted');
      if (answer instanceof Error) throw answer;
      return Promise.resolve(answer);
    },
  });
  return { client, sent };
}

const json = (status: number, body: object, type = 'application/json') =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });
const problem = (status: number, code: string, retry: object) =>
  json(status, { status, code, detail: 'no', retry }, 'application/problem+json; charset=utf-8');
const lost = () => new TypeError('fetch failed');
const started = () => json(202, { id: 'g1', status: 'accepted', links: {} });
const later = { safe: true, helps: true, afterSeconds: 0 };
const body = { characterId: 'mia', prompt: 'in a cafe' };

describe('the typed client', () => {
  it('starts one job although the connection is lost and the service is down: the key stays the same', async () => {
    const { client, sent } = scripted([
      lost,
      () => problem(503, 'temporal_unavailable', later),
      () => problem(429, 'rate_limited', later),
      started,
    ]);

    expect(await client.start('studio', body)).toMatchObject({ id: 'g1' });
    expect(sent).toHaveLength(4);
    const keys = new Set(sent.map(({ headers }) => headers.get('idempotency-key')));
    expect([...keys]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(await Promise.all(sent.map((request) => request.json()))).toEqual([body, body, body, body]);
  });

  it('makes another key for another job, and takes one that was stored', async () => {
    const { client, sent } = scripted([started]);
    await client.start('studio', body);
    await client.start('studio', body);
    await client.start('studio', body, { idempotencyKey: 'mine' });

    const keys = sent.map(({ headers }) => headers.get('idempotency-key'));
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBe('mine');
  });

  it('gives an error its code, and sends nothing again that would be refused again', async () => {
    const { client, sent } = scripted([() => problem(422, 'request_refused', { ...later, helps: false })]);
    const error = await client.start('studio', body).catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, code: 'request_refused', message: 'no' });
    expect(sent).toHaveLength(1);
  });

  it.each<[string, Step]>([
    [
      'the answer says that it is not safe',
      () => problem(503, 'no_worker_answered', { ...later, safe: false }),
    ],
    [
      'the server asks for a longer pause than wanted',
      () => problem(503, 'not_ready', { ...later, afterSeconds: 99 }),
    ],
  ])('hands an error on at once where %s', async (_name, step) => {
    const { client, sent } = scripted([step]);

    await expect(client.start('studio', body)).rejects.toBeInstanceOf(ApiError);
    expect(sent).toHaveLength(1);
  });

  it('never repeats a decision of which nobody knows whether it was taken', async () => {
    const { client, sent } = scripted([lost]);
    const path = { id: 'g1', slot: 1 };
    const deciding = client.api.POST('/v1/generations/{id}/slots/{slot}/decide', {
      params: { path },
      body: { decision: 'resubmit' },
    });

    await expect(deciding).rejects.toBeInstanceOf(NoAnswer);
    expect(sent).toHaveLength(1);
  });

  it('gives up after its tries', async () => {
    const { client, sent } = scripted([lost], { tries: 2 });

    await expect(client.generation('g1')).rejects.toBeInstanceOf(NoAnswer);
    expect(sent).toHaveLength(2);
  });

  it('waits for the end, and shows the way there', async () => {
    const statuses = ['accepted', 'running', 'partial'];
    const { client } = scripted([
      started,
      ...statuses.map((status) => () => json(200, { id: 'g1', status })),
    ]);
    const seen: string[] = [];
    const job = await client.start('studio', body);
    const end = await job.wait({ pollMs: 1, onProgress: ({ status }) => seen.push(status) });

    expect(end.status).toBe('partial');
    expect(seen).toEqual(statuses);
  });

  it('stops waiting in time, or when it is told to, and the job goes on', async () => {
    const { client } = scripted([() => json(200, { id: 'g1', status: 'running' })]);
    const reason = new Error('enough');

    await expect(client.wait('g1', { pollMs: 5, timeoutMs: 20 })).rejects.toBeInstanceOf(StillRunning);
    await expect(client.wait('g1', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('sends its key to no other host', async () => {
    const { client, sent } = scripted([started]);

    await expect(client.download('http://elsewhere.test/a.png')).rejects.toBeInstanceOf(TypeError);
    expect(sent).toHaveLength(0);
  });

  it('has the types of the committed document; npm run openapi makes them', () => {
    const hash = createHash('sha256').update(readFileSync('openapi.json')).digest('hex');

    expect(readFileSync('client/src/schema.ts', 'utf8').split('\n', 1)[0]).toContain(hash);
  });
});

describe('the typed client at the API', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await openTestApi();
  }, 90_000);

  afterAll(() => api.close());

  it('uploads, starts, reads, lists and downloads', async () => {
    const client = createGenerationClient({ baseUrl: api.baseUrl });
    await client.api.PUT('/v1/characters/{id}', { params: { path: { id: 'mia' } }, body: { name: 'Mia' } });
    const bytes = await picture('png');
    const face = await client.upload(new Uint8Array(bytes), 'image/png');
    const job = await client.start('studio', { ...body, referenceImageUrl: face.url });
    const again = await client.start('studio', { ...body, referenceImageUrl: face.url }, job);
    const { data } = await client.api.GET('/v1/generations', { params: { query: { limit: 5 } } });
    const downloaded = await client.download(face.id);

    expect(again.id).toBe(job.id);
    expect(await job.read()).toMatchObject({ id: job.id, flow: 'studio' });
    expect(data?.items.map(({ id }) => id)).toEqual([job.id]);
    expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(Buffer.from(bytes));
  });

  it('types errors of every route', async () => {
    const client = createGenerationClient({ baseUrl: api.baseUrl });

    await expect(client.generation('none')).rejects.toMatchObject({
      status: 404,
      code: 'generation_not_found',
    });
  });
});
