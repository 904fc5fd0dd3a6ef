import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clip, picture, pngBomb } from '../assets/pictures';
import { keyHolder } from './keys-api';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
let server: Server;
/** What the fake sends next, and how often it was asked. */
let bytes: Buffer;
let fetched = 0;
let url: string;

beforeAll(async () => {
  server = createServer((_request, response) => {
    fetched += 1;
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}/secret-token.png`;
  api = await openTestApi({}, { foreignUrls: { allowedHosts: [`127.0.0.1:${port}`] } });
  await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {} });
}, 90_000);

afterAll(async () => {
  server.close();
  await api.close();
});

beforeEach(async () => {
  bytes = await picture('png', { seed: fetched + 100 });
  api.temporal.started.length = 0;
});

const start = (payload: object, key?: string) =>
  api.send({
    method: 'POST',
    url: '/v1/studio',
    headers: key === undefined ? {} : { 'idempotency-key': key },
    payload: { characterId: 'ava', mode: 'editing', prompt: 'a red coat', ...payload },
  });

async function assetsOnRecord(): Promise<number> {
  return (await api.database.db.selectFrom('assets').select('id').execute()).length;
}

describe('a request that names a picture of elsewhere', () => {
  it('starts with the picture as an asset of ours, and keeps nothing of its URL', async () => {
    const { status, body } = await start({ sourceImageUrl: url });

    expect(status).toBe(202);
    const [input] = api.temporal.started;
    const { assetId = '' } =
      input?.flowRequest.flow === 'studio' ? (input.flowRequest.assets.source ?? {}) : {};
    expect(input?.flowRequest.request).toMatchObject({ sourceImageUrl: `/v1/assets/${assetId}` });
    const row = await api.database.db
      .selectFrom('generations')
      .select('request')
      .where('id', '=', String(body['id']))
      .executeTakeFirstOrThrow();
    expect(JSON.stringify([input, row])).not.toContain('secret-token');
    const download = await fetch(new URL(`/v1/assets/${assetId}`, api.baseUrl));
    expect(Buffer.from(await download.arrayBuffer())).toEqual(bytes);
  });

  it('is the same request again by what was sent, and fetches nothing again', async () => {
    const first = await start({ sourceImageUrl: url }, 'foreign-1');
    const before = fetched;
    bytes = Buffer.from('gone');
    const again = await start({ sourceImageUrl: url }, 'foreign-1');
    const other = await start({ sourceImageUrl: `${url}?v=2` }, 'foreign-1');

    expect([first.status, again.status, other.status]).toEqual([202, 200, 409]);
    expect(again.body['id']).toBe(first.body['id']);
    expect(other.body['code']).toBe('idempotency_key_reused');
    expect(fetched).toBe(before);
  });

  it('takes a picture of two megabytes inside a data: URL, which is stored as an asset', async () => {
    const large = await picture('png', { width: 1000, height: 800, seed: 3 });
    const padded = Buffer.concat([large.subarray(0, 33), padding(2_000_000), large.subarray(33)]);
    const { status } = await start({ sourceImageUrl: `data:image/png;base64,${padded.toString('base64')}` });

    expect(status).toBe(202);
    const started = JSON.stringify(api.temporal.started);
    expect(started.length).toBeLessThan(20_000);
    // Without the chunk nobody needs.
    expect(started).toContain(createHash('sha256').update(large).digest('hex'));
  });

  it('a route plan says what the start will do', async () => {
    const payload = {
      flow: 'studio',
      characterId: 'ava',
      mode: 'editing',
      prompt: 'a red coat',
      sourceImageUrl: url,
    };
    const { status } = await api.send({ method: 'POST', url: '/v1/route-plans', payload });

    expect(status).toBe(200);
    expect(api.temporal.started).toEqual([]);
  });
});

describe('a picture that cannot be used is refused by its field, before anything starts', () => {
  it.each<[string, () => Promise<Buffer> | Buffer, string]>([
    ['a web page', () => Buffer.from('<html>sign in, please, and then come back</html>'), 'not_an_image'],
    [
      'an SVG',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      'not_an_image',
    ],
    ['a clip', () => clip(), 'wrong_media_type'],
    ['a header that claims 60,000 x 60,000', () => pngBomb(), 'url_too_large'],
    ['half a picture', async () => (await picture('png')).subarray(0, 300), 'truncated'],
  ])('%s', async (_name, make, code) => {
    bytes = await make();
    const before = await assetsOnRecord();
    const { status, body } = await start({ sourceImageUrl: url });

    expect(status).toBe(422);
    const error = { in: 'body', pointer: '/sourceImageUrl', code };
    expect(body).toMatchObject({ code: 'request_refused', retry: { helps: false }, errors: [error] });
    expect(api.temporal.started).toEqual([]);
    expect(await assetsOnRecord()).toBe(before);
  });

  it('every field is named with its own reason; once again helps only where it may help each of them', async () => {
    const passing = { maskImageUrl: 'https://no-such-name.test/a.png' };
    const both = await start({ sourceImageUrl: 'http://169.254.169.254/latest/meta-data/', ...passing });
    const one = await start({ sourceImageUrl: url, ...passing });

    expect(both.status).toBe(422);
    expect(both.body['errors']).toMatchObject([
      { pointer: '/sourceImageUrl', code: 'url_not_public' },
      { pointer: '/maskImageUrl', code: 'url_unreachable' },
    ]);
    expect(both.body['retry']).toMatchObject({ safe: true, helps: false });
    expect(one.body['errors']).toMatchObject([{ pointer: '/maskImageUrl', code: 'url_unreachable' }]);
    expect(one.body['retry']).toMatchObject({ safe: true, helps: true });
  });

  it('a URL is not repeated in the answer: it may hold a token', async () => {
    const { body } = await start({ sourceImageUrl: 'http://user:secret-token@example.com/a.png' });

    expect(body['errors']).toMatchObject([{ code: 'url_invalid' }]);
    expect(JSON.stringify(body)).not.toContain('secret-token');
  });

  it('an address of more than 2,048 characters is no request', async () => {
    const { status, body } = await start({ sourceImageUrl: `https://example.com/${'a'.repeat(2048)}` });

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field: 'sourceImageUrl' }]);
  });
});

describe('a fetched picture', () => {
  const caller = (name: string) => ({ 'x-caller-id': name });

  it('is of the caller whose request named it, and of nobody else', async () => {
    await api.send({ method: 'PUT', url: '/v1/characters/ava', headers: caller('fetcher') });
    const payload = { characterId: 'ava', mode: 'editing', prompt: 'a red coat', sourceImageUrl: url };
    const { status } = await api.send({
      method: 'POST',
      url: '/v1/studio',
      headers: caller('fetcher'),
      payload,
    });
    expect(status).toBe(202);
    const sent = api.temporal.started[0]?.flowRequest;
    const asset = `/v1/assets/${(sent?.flow === 'studio' && sent.assets.source?.assetId) || ''}`;

    expect((await api.send({ url: asset, headers: caller('fetcher') })).status).toBe(200);
    expect((await api.send({ url: asset, headers: caller('somebody') })).status).toBe(404);
  });

  it('needs a key that may start, also in a route plan', async () => {
    const keyed = await openTestApi(
      { API_AUTH: 'keys' },
      { foreignUrls: { allowedHosts: [new URL(url).host] } },
    );
    const starter = await keyHolder(keyed, 'fetcher', ['start', 'read']);
    const reader = await keyHolder(keyed, 'fetcher', ['read']);
    await starter.send({ method: 'PUT', url: '/v1/characters/ava' });
    const plan = { flow: 'studio', characterId: 'ava', mode: 'editing', prompt: 'x', sourceImageUrl: url };
    const before = fetched;
    const looked = await reader.send({ method: 'POST', url: '/v1/route-plans', payload: plan });
    const during = fetched;
    const planned = await starter.send({ method: 'POST', url: '/v1/route-plans', payload: plan });
    await keyed.close();

    expect(looked).toMatchObject({
      status: 403,
      body: { errors: [{ pointer: '/sourceImageUrl' }], scope: 'start' },
    });
    expect(during).toBe(before);
    expect(planned.status).toBe(200);
  });
});

/** A PNG chunk that is dropped on arrival. */
function padding(length: number): Buffer {
  const chunk = Buffer.alloc(length + 12, 7);
  chunk.writeUInt32BE(length, 0);
  chunk.write('paDd', 4, 'latin1');
  return chunk;
}
