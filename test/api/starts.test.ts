import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import { clip } from '../assets/pictures';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
let picture: string;
let clipUrl: string;

beforeAll(async () => {
  api = await openTestApi();
  await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: { name: 'Ava' } });
  await api.send({ method: 'PUT', url: '/v1/characters/bare', payload: {} });
  const lora = { baseModel: 'flux', triggerWord: 'avaperson', defaultStrength: 0.8 };
  await api.send({ method: 'PUT', url: '/v1/characters/ava/loras/ava1', payload: lora });
  await api.send({
    method: 'PUT',
    url: '/v1/characters/ava/loras/young',
    payload: { ...lora, status: 'training' },
  });
  picture = await api.upload();
  const headers = { 'content-type': 'image/webp' };
  const { body } = await api.send({ method: 'POST', url: '/v1/assets', headers, payload: await clip() });
  clipUrl = String(body['url']);
}, 90_000);

afterAll(() => api.close());

beforeEach(() => {
  api.temporal.failure = undefined;
  api.temporal.started.length = 0;
});

const post = (url: string, payload: object) => api.send({ method: 'POST', url, payload });
const assetIdOf = (url: string) => url.slice('/v1/assets/'.length);

describe('starting a job', () => {
  it('accepts base images at once and says where to look', async () => {
    const { status, headers, body } = await post('/v1/base-images', {
      characterId: 'ava',
      prompt: 'an adult woman',
    });

    const id = String(body['id']);
    const self = `/v1/generations/${id}`;
    const temporalUi = `http://ui.test/${encodeURIComponent(`base-images/ava/${id}`)}`;
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(self);
    expect(body).toEqual({ id, status: 'accepted', links: { self, cancel: `${self}/cancel`, temporalUi } });
    expect(api.temporal.started).toMatchObject([{ generationId: id, characterId: 'ava', nsfw: false }]);
  });

  it('hands the workflow the reference of profile pictures as an asset it can open', async () => {
    const payload = { characterId: 'ava', prompt: 'an adult woman', referenceImageUrl: picture };
    const { status } = await post('/v1/profile-pictures', payload);

    expect(status).toBe(202);
    expect(api.temporal.started).toMatchObject([
      {
        flowRequest: {
          flow: 'profile-pictures',
          assets: {
            reference: { assetId: assetIdOf(picture), mediaType: 'image/png', width: 96, height: 64 },
          },
        },
      },
    ]);
  });

  it('takes the absolute URL of an asset as well as its path', async () => {
    const absolute = new URL(picture, api.baseUrl.replace('127.0.0.1', 'localhost')).href;
    const payload = { characterId: 'ava', prompt: 'a woman', referenceImageUrl: absolute };
    const { status } = await post('/v1/profile-pictures', payload);

    expect(status).toBe(202);
  });

  it("hands a studio job the character's default LoRA with its own strength", async () => {
    const { status } = await post('/v1/studio', {
      characterId: 'ava',
      prompt: 'at the beach',
      useLora: true,
    });

    expect(status).toBe(202);
    expect(api.temporal.started).toMatchObject([
      {
        flowRequest: {
          request: { mode: 'creating', count: 1 },
          lora: { loraId: 'ava1', baseModel: 'flux', triggerWord: 'avaperson', strength: 0.8 },
        },
      },
    ]);
  });

  it('keeps the request readable before any worker has seen it', async () => {
    const { body } = await post('/v1/studio', { characterId: 'ava', prompt: 'at the beach' });
    api.temporal.state = undefined;

    const { body: generation } = await api.send({
      method: 'GET',
      url: `/v1/generations/${String(body['id'])}`,
    });

    const slots = [{ slot: 1, status: 'pending', label: 'creating 1' }];
    expect(generation).toMatchObject({ flow: 'studio', slots, live: false });
    expect(['accepted', 'running']).toContain(generation['status']);
  });
});

const studio = { characterId: 'ava', prompt: 'at the beach' };
const unknownAsset = `/v1/assets/${'0'.repeat(64)}`;

describe('a request of the wrong shape is refused with 400, by field', () => {
  it.each<[string, string, object, { field: string; code: string }]>([
    ['an unknown field', '/v1/studio', { ...studio, promt: 'x' }, { field: 'promt', code: 'unknown_field' }],
    ['a missing prompt', '/v1/base-images', { characterId: 'ava' }, { field: 'prompt', code: 'required' }],
    ['an empty prompt', '/v1/studio', { ...studio, prompt: ' ' }, { field: 'prompt', code: 'too_small' }],
    [
      'a prompt of 5000 characters',
      '/v1/studio',
      { ...studio, prompt: 'x'.repeat(5000) },
      { field: 'prompt', code: 'too_big' },
    ],
    ['a number as text', '/v1/studio', { ...studio, count: '2' }, { field: 'count', code: 'invalid_type' }],
    ['an absurd size', '/v1/studio', { ...studio, width: 100_000 }, { field: 'width', code: 'too_big' }],
    [
      'a size between steps',
      '/v1/base-images',
      { ...studio, height: 1001 },
      { field: 'height', code: 'not_multiple_of' },
    ],
    [
      'an upscale that enlarges nothing',
      '/v1/studio',
      { ...studio, mode: 'upscaling', upscaleFactor: 1 },
      { field: 'upscaleFactor', code: 'too_small' },
    ],
    ['a negative seed', '/v1/studio', { ...studio, seed: -1 }, { field: 'seed', code: 'too_small' }],
    [
      'an unknown mode',
      '/v1/studio',
      { ...studio, mode: 'dreaming' },
      { field: 'mode', code: 'invalid_value' },
    ],
    [
      'eleven profile pictures',
      '/v1/profile-pictures',
      { ...studio, count: 11 },
      { field: 'count', code: 'too_big' },
    ],
    [
      'a character id with a path in it',
      '/v1/studio',
      { ...studio, characterId: '../etc' },
      { field: 'characterId', code: 'invalid_format' },
    ],
    [
      'a prefixed LoRA id',
      '/v1/studio',
      { ...studio, loraId: 'character-ava' },
      { field: 'loraId', code: 'custom' },
    ],
    [
      'text that no database can hold',
      '/v1/studio',
      { ...studio, prompt: 'a\u0000b' },
      { field: 'prompt', code: 'invalid_characters' },
    ],
    [
      'half a character',
      '/v1/studio',
      { ...studio, prompt: 'a\ud800b' },
      { field: 'prompt', code: 'invalid_characters' },
    ],
    [
      'lists in lists by the thousand',
      '/v1/studio',
      { ...studio, extra: JSON.parse('['.repeat(2000) + ']'.repeat(2000)) as unknown },
      { field: 'extra', code: 'nested_too_deep' },
    ],
    ['a list instead of an object', '/v1/studio', [], { field: 'body', code: 'invalid_type' }],
  ])('%s', async (_name, url, payload, error) => {
    const { status, headers, body } = await post(url, payload);

    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ status: 400, code: 'invalid_request', errors: [error] });
    expect(api.temporal.started).toEqual([]);
  });

  it('all mistakes are named at once', async () => {
    const { body } = await post('/v1/studio', { ...studio, count: 0, seed: 1.5, colour: 'red', size: 3 });

    const fields = (body['errors'] as { field: string }[]).map(({ field }) => field);
    expect(fields.toSorted()).toEqual(['colour', 'count', 'seed', 'size']);
  });
});

describe('a request that cannot be served is refused with 422, by field, and nothing is started', () => {
  it.each<[string, string, () => object, { field: string; code: string }]>([
    [
      'an unknown character',
      '/v1/base-images',
      () => ({ ...studio, characterId: 'nobody' }),
      { field: 'characterId', code: 'character_not_found' },
    ],
    [
      'a picture on a host that is not there',
      '/v1/profile-pictures',
      () => ({ ...studio, referenceImageUrl: 'https://example.com/a.png' }),
      { field: 'referenceImageUrl', code: 'url_unreachable' },
    ],
    [
      'no picture inside the URL',
      '/v1/studio',
      () => ({ ...studio, sourceImageUrl: 'data:image/png;base64,AAAA' }),
      { field: 'sourceImageUrl', code: 'not_an_image' },
    ],
    [
      'an asset that does not exist',
      '/v1/studio',
      () => ({ ...studio, mode: 'editing', sourceImageUrl: unknownAsset }),
      { field: 'sourceImageUrl', code: 'unknown_asset' },
    ],
    [
      'an asset id that is none',
      '/v1/studio',
      () => ({ ...studio, mode: 'editing', sourceImageUrl: '/v1/assets/none' }),
      { field: 'sourceImageUrl', code: 'unknown_asset' },
    ],
    [
      'a clip as a mask',
      '/v1/studio',
      () => ({ ...studio, mode: 'editing', sourceImageUrl: picture, maskImageUrl: clipUrl }),
      { field: 'maskImageUrl', code: 'wrong_media_type' },
    ],
    [
      'an unknown LoRA',
      '/v1/studio',
      () => ({ ...studio, useLora: true, loraId: 'other' }),
      { field: 'loraId', code: 'lora_not_found' },
    ],
    [
      'a LoRA in training',
      '/v1/studio',
      () => ({ ...studio, useLora: true, loraId: 'young' }),
      { field: 'loraId', code: 'lora_not_ready' },
    ],
    [
      'a character without a LoRA',
      '/v1/studio',
      () => ({ ...studio, characterId: 'bare', useLora: true }),
      { field: 'useLora', code: 'no_trained_lora' },
    ],
  ])('%s', async (_name, url, payload, error) => {
    const { status, body } = await post(url, payload());

    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'request_refused', errors: [error] });
    expect(api.temporal.started).toEqual([]);
  });

  it('what the registry refuses names its field too', async () => {
    const { status, body } = await post('/v1/base-images', { ...studio, nsfw: true });

    expect(status).toBe(422);
    expect(body['errors']).toEqual(expect.arrayContaining([expect.objectContaining({ field: 'nsfw' })]));
  });

  it('several unusable inputs are named at once', async () => {
    const payload = {
      ...studio,
      characterId: 'bare',
      useLora: true,
      referenceImageUrl: 'http://x.test/a.png',
    };
    const { body } = await post('/v1/studio', payload);

    expect(body['errors']).toMatchObject([{ field: 'referenceImageUrl' }, { field: 'useLora' }]);
  });
});

describe('a start while Temporal is down', () => {
  const rows = () => api.database.db.selectFrom('generations').select('id').execute();

  it('is 503 with a time to try again, and leaves nothing behind', async () => {
    const before = await rows();
    api.temporal.failure = new TemporalUnavailable('Temporal cannot be reached right now.');

    const { status, headers, body } = await post('/v1/studio', studio);

    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    expect(body['code']).toBe('temporal_unavailable');
    expect(await rows()).toEqual(before);
  });

  it('hands out the id when the job may be running all the same', async () => {
    api.temporal.failure = new TemporalUnavailable('no answer', { mayHaveStarted: true });

    const { status, body } = await post('/v1/studio', studio);

    expect(status).toBe(503);
    const id = String(body['id']);
    expect(body['links']).toMatchObject({ self: `/v1/generations/${id}` });
    expect(await rows()).toContainEqual({ id });
  });
});
