import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { blankPicture, clip, picture } from '../assets/pictures';
import { createAssetRecords, createGenerationStore } from '../../src/db';
import type { Recipe } from '../../src/domain/generation';
import { generationState } from '../db/states';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
}, 90_000);

afterAll(() => api.close());

function post(payload: unknown, type?: string) {
  const headers = type === undefined ? {} : { 'content-type': type };
  return api.send({ method: 'POST', url: '/v1/assets', headers, payload });
}

/** Said of every file that is too large, whoever noticed it. */
const tooLarge = {
  field: 'file',
  in: 'body',
  code: 'too_large',
  message: 'more than 50000000 bytes: send a smaller picture or clip',
};

function form(bytes: Uint8Array, field = 'file'): FormData {
  const data = new FormData();
  data.append(field, new Blob([bytes], { type: 'image/jpeg' }), 'ava.jpg');
  return data;
}

describe('uploading', () => {
  it('takes a picture as the whole body', async () => {
    const { status, headers, body } = await post(await picture('png'), 'image/png');

    expect(status).toBe(201);
    expect(headers.get('location')).toBe(body['url']);
    expect(body).toMatchObject({
      url: `/v1/assets/${String(body['id'])}`,
      mediaType: 'image/png',
      width: 96,
      height: 64,
    });
  });

  it('takes a picture as a form field, and goes by its bytes rather than its name', async () => {
    const { status, body } = await post(form(await picture('webp')));

    expect(status).toBe(201);
    expect(body).toMatchObject({ mediaType: 'image/webp' });
  });

  it('takes a clip, and a mask of one colour', async () => {
    expect((await post(await clip(), 'video/mp4')).status).toBe(201);
    expect((await post(await blankPicture('#ffffff'), 'application/octet-stream')).status).toBe(201);
  });

  it('knows the same picture again', async () => {
    const bytes = await picture('jpeg', { seed: 5 });

    expect((await post(bytes, 'image/jpeg')).body).toEqual((await post(form(bytes))).body);
  });

  it.each<[string, () => unknown, string | undefined, number, string]>([
    [
      'a web page called a picture',
      () => '<html>not a picture at all, just text</html>',
      'image/png',
      415,
      'not_media',
    ],
    ['half a picture', async () => (await picture('png')).subarray(0, 300), 'image/png', 422, 'truncated'],
    ['nothing', () => new Uint8Array(), 'image/png', 422, 'empty'],
    ['JSON', () => ({ file: 'a.png' }), undefined, 415, 'unsupported_media_type'],
    ['a form without a file', () => new FormData(), undefined, 400, 'invalid_request'],
    [
      'a form with another field',
      async () => form(await picture('png'), 'photo'),
      undefined,
      400,
      'invalid_request',
    ],
    ['a broken form', () => 'no boundary here', 'multipart/form-data', 400, 'invalid_multipart'],
  ])('refuses %s', async (_name, payload, type, status, code) => {
    const answer = await post(await payload(), type);

    expect(answer).toMatchObject({ status, body: { code } });
  });

  it.each<[string, (bytes: Uint8Array) => unknown, string | undefined]>([
    ['as the body', (bytes) => bytes, 'image/png'],
    ['in a form', (bytes) => form(bytes), undefined],
  ])('refuses more than 50 MB %s, and the caller gets to read why', async (_name, wrap, type) => {
    const { status, body } = await post(wrap(await oversized(51_000_000)), type);

    expect(status).toBe(413);
    expect(body['code']).toBe('too_large');
    expect(body['errors']).toEqual([tooLarge]);
  });

  it('refuses more than 50 MB also when the length is not announced', async () => {
    const start = await picture('png');
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(sent === 0 ? start : new Uint8Array(1_000_000));
        sent += 1;
        if (sent > 52) controller.close();
      },
    });
    const response = await fetch(new URL('/v1/assets', api.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: stream,
      duplex: 'half',
    });

    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ errors: [tooLarge] });
  });

  it.each<[string, () => unknown, string | undefined, object]>([
    [
      'a broken form',
      () => 'no boundary here',
      'multipart/form-data',
      {
        field: 'body',
        in: 'body',
        pointer: '',
        code: 'invalid_multipart',
        message: expect.stringContaining('"file"') as unknown,
      },
    ],
    [
      'JSON',
      () => ({ file: 'a.png' }),
      undefined,
      {
        field: 'content-type',
        in: 'header',
        code: 'unsupported_media_type',
        message: expect.stringContaining('image/*') as unknown,
      },
    ],
  ])('names the way out of %s', async (_name, payload, type, error) => {
    expect((await post(payload(), type)).body['errors']).toEqual([error]);
  });

  it('forgets an upload that broke off', async () => {
    const bytes = await picture('png', { seed: 77 });
    const { hostname, port } = new URL(api.baseUrl);
    const arrived = once(api.app.server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/assets HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    );
    socket.write(bytes.subarray(0, 1000));
    const [, response] = await arrived;
    socket.destroy();
    await once(response, 'close');

    expect((await api.send({ url: '/healthz' })).status).toBe(200);
    expect((await post(bytes, 'image/png')).status).toBe(201);
  });
});

async function oversized(length: number): Promise<Uint8Array> {
  return Buffer.concat([await picture('png'), new Uint8Array(length)]);
}

describe('downloading', () => {
  it('gives the very bytes back, for ever, and as nothing but a picture', async () => {
    const bytes = await picture('jpeg', { seed: 9 });
    const { body } = await post(bytes, 'image/jpeg');

    const response = await fetch(new URL(String(body['url']), api.baseUrl));

    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(bytes.length),
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      etag: `"${String(body['id'])}"`,
    });
  });

  it('tells the size without the bytes', async () => {
    const bytes = await picture('png', { seed: 10 });
    const { body } = await post(bytes, 'image/png');

    const response = await fetch(new URL(String(body['url']), api.baseUrl), { method: 'HEAD' });

    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
  });

  it('sends nothing to a caller that has it', async () => {
    const url = await api.upload(11);
    const etag = `"${url.slice('/v1/assets/'.length)}"`;

    expect((await api.send({ url, headers: { 'if-none-match': `"other", W/${etag}` } })).status).toBe(304);
    expect((await api.send({ url, headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it.each(['0'.repeat(64), 'x', '..%2f..%2fpackage.json', '%00'])('knows nothing of %s', async (id) => {
    expect(await api.send({ url: `/v1/assets/${id}` })).toMatchObject({
      status: 404,
      body: { code: 'asset_not_found' },
    });
  });
});

describe('downloading a part', () => {
  let bytes: Buffer;
  let url: string;

  beforeAll(async () => {
    bytes = await picture('png', { seed: 15 });
    url = String((await post(bytes, 'image/png')).body['url']);
  });

  const get = (headers: Record<string, string>, method = 'GET') =>
    fetch(new URL(url, api.baseUrl), { method, headers });

  it.each<[string, (size: number) => [number, number]]>([
    ['bytes=0-9', () => [0, 9]],
    ['bytes=10-', (size) => [10, size - 1]],
    ['bytes=-5', (size) => [size - 5, size - 1]],
    ['bytes=20-99999999', (size) => [20, size - 1]],
    ['bytes=-99999999', (size) => [0, size - 1]],
    ['Bytes= 3-3 ', () => [3, 3]],
  ])('answers %s with those bytes', async (range, expected) => {
    const [start, end] = expected(bytes.length);

    const response = await get({ range });

    expect(response.status).toBe(206);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-range': `bytes ${start}-${end}/${bytes.length}`,
      'content-length': String(end - start + 1),
      'content-type': 'image/png',
    });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes.subarray(start, end + 1));
  });

  it.each(['bytes=99999999-', 'bytes=-0'])('has nothing for %s, and tells the size', async (range) => {
    const { status, headers, body } = await api.send({ url, headers: { range } });

    expect(status).toBe(416);
    expect(headers.get('content-range')).toBe(`bytes */${bytes.length}`);
    expect(headers.get('cache-control')).toBeNull();
    expect(body).toMatchObject({ code: 'range_not_satisfiable', errors: [{ field: 'range' }] });
  });

  it.each(['bytes=0-1,5-6', 'bytes=9-3', 'bytes=-', 'lines=1-2', 'bytes=a-b'])(
    'answers %s with everything, as if it were not there',
    async (range) => {
      const response = await get({ range });

      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    },
  );

  it('goes on with a download only if it began with this picture', async () => {
    const etag = `"${url.slice('/v1/assets/'.length)}"`;

    expect((await get({ range: 'bytes=5-', 'if-range': etag })).status).toBe(206);
    expect((await get({ range: 'bytes=5-', 'if-range': '"another"' })).status).toBe(200);
    expect((await get({ range: 'bytes=5-', 'if-none-match': etag })).status).toBe(304);
  });

  it('is offered to a caller that only asks for the head', async () => {
    const response = await get({ range: 'bytes=0-9' }, 'HEAD');

    expect(response.status).toBe(200);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
  });
});

describe('the recipe of an asset', () => {
  const recipe: Recipe = {
    generationId: 'g1',
    slot: 1,
    modelId: 'modal-flux-dev',
    provider: 'modal',
    endpoint: '/flux-dev',
    seed: 3,
    parameters: {},
    inputs: [],
    costUsd: 0.02,
    costEstimated: true,
  };

  beforeAll(() =>
    createGenerationStore(api.database.db).saveState(generationState({ generationId: recipe.generationId })),
  );

  it('tells how it was made, for each slot that made it', async () => {
    const url = await api.upload(12);
    const asset = { assetId: url.slice('/v1/assets/'.length), mediaType: 'image/png', bytes: 1 };
    await createAssetRecords(api.database.db).record(asset, 'generation', recipe);

    expect((await api.send({ url: `${url}/recipe` })).body).toEqual({
      assetId: asset.assetId,
      // Modal gives none.
      recipes: [{ ...recipe, providerRequestId: null }],
    });
  });

  it("tells the provider's own request id where there is one", async () => {
    const url = await api.upload(14);
    const asset = { assetId: url.slice('/v1/assets/'.length), mediaType: 'image/png', bytes: 1 };
    await createAssetRecords(api.database.db).record(asset, 'generation', {
      ...recipe,
      providerRequestId: 'request-1',
    });

    expect((await api.send({ url: `${url}/recipe` })).body).toMatchObject({
      recipes: [{ providerRequestId: 'request-1' }],
    });
  });

  it('is empty for an upload and 404 for an unknown asset', async () => {
    const url = await api.upload(13);

    expect((await api.send({ url: `${url}/recipe` })).body).toMatchObject({ recipes: [] });
    expect((await api.send({ url: `/v1/assets/${'1'.repeat(64)}/recipe` })).status).toBe(404);
  });
});
