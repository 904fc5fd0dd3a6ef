import sharp from 'sharp';
import { falEndpoints } from '../../emulator/fal/endpoints';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { exchange, json } from './support/exchange';
import { FalCaller, key, type FalOutput } from './support/fal-client';
import { samplePng } from './support/pictures';

let emulator: RunningEmulator;
let fal: FalCaller;
let upload: string;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.0005 });
  fal = new FalCaller(emulator.urls.fal);
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  upload = await fal.upload(await samplePng(100, 80));
});

/** `U` stands for the URL of an uploaded picture of 100 x 80. */
const fill = (input: unknown): unknown =>
  JSON.parse(JSON.stringify(input).replaceAll('"U"', JSON.stringify(upload)));

type Kind = 'O1' | 'O2' | 'O3';
type Row = [
  id: string,
  input: Record<string, unknown>,
  kind: Kind,
  size: [number, number],
  type: string,
  usd: number,
];
const seedream = 'fal-ai/bytedance/seedream/v4.5/text-to-image';
const rows: Row[] = [
  ['fal-ai/flux/schnell', { prompt: 'x' }, 'O1', [1024, 768], 'image/jpeg', 0.002359],
  [
    'fal-ai/flux/dev',
    { prompt: 'x', image_size: { width: 832, height: 1216 } },
    'O1',
    [832, 1216],
    'image/jpeg',
    0.025293,
  ],
  [
    seedream,
    { prompt: 'x', image_size: { width: 1920, height: 1920 } },
    'O2',
    [1920, 1920],
    'image/png',
    0.04,
  ],
  ['fal-ai/z-image/turbo', { prompt: 'x', output_format: 'webp' }, 'O1', [1024, 768], 'image/webp', 0.003932],
  [
    'fal-ai/flux-pulid',
    { prompt: 'x', reference_image_url: 'U', image_size: 'square' },
    'O1',
    [512, 512],
    'image/jpeg',
    0.008729,
  ],
  [
    'fal-ai/pulid',
    { prompt: 'x', reference_images: [{ image_url: 'U' }] },
    'O2',
    [1024, 768],
    'image/jpeg',
    0.019661,
  ],
  ['fal-ai/flux-2/edit', { prompt: 'x', image_urls: ['U'] }, 'O1', [100, 80], 'image/png', 0.000096],
  ['fal-ai/flux-2-pro/edit', { prompt: 'x', image_urls: ['U'] }, 'O2', [100, 80], 'image/jpeg', 0.00024],
  ['fal-ai/qwen-image-edit-2511', { prompt: 'x', image_urls: ['U'] }, 'O1', [100, 80], 'image/png', 0.02],
  ['fal-ai/clarity-upscaler', { image_url: 'U' }, 'O3', [200, 160], 'image/png', 0.02],
  ['fal-ai/aura-sr', { image_url: 'U' }, 'O3', [400, 320], 'image/png', 0.01],
  [
    'fal-ai/seedvr/upscale/image',
    { image_url: 'U', upscale_factor: 3 },
    'O3',
    [300, 240],
    'image/jpeg',
    0.03,
  ],
  ['fal-ai/topaz/upscale/image', { image_url: 'U' }, 'O3', [200, 160], 'image/jpeg', 0.02],
  ['fal-ai/flux/dev/image-to-image', { prompt: 'x', image_url: 'U' }, 'O1', [100, 80], 'image/jpeg', 0.0002],
  [
    'fal-ai/z-image/turbo/image-to-image',
    { prompt: 'x', image_url: 'U' },
    'O1',
    [100, 80],
    'image/png',
    0.00004,
  ],
];

describe('a valid request', () => {
  it('is tried here for every endpoint', () => {
    expect(rows.map(([id]) => id).sort()).toEqual(falEndpoints.map(({ id }) => id).sort());
  });

  it.each(rows)(
    '%s %j gives %s of %j as %s for %f USD',
    async (id, input, kind, [width, height], type, usd) => {
      const reply = await fal.result(id, fill({ ...input, field_of_nobody: 1 }));

      expect(reply.status).toBe(200);
      const output = json(reply) as FalOutput;
      const image = output.image ?? output.images?.[0];
      expect(image).toMatchObject({ width, height, content_type: type });
      expect('has_nsfw_concepts' in output).toBe(kind === 'O1');
      expect('image' in output).toBe(kind === 'O3');
      const media = await exchange('GET', image?.url ?? '');
      expect(media.headers['content-type']).toBe(type);
      expect(await sharp(media.bytes).metadata()).toMatchObject({
        width,
        height,
        format: type.slice('image/'.length),
      });
      expect(emulator.journal.read().entries).toMatchObject([
        { endpoint: id, outcome: 'succeeded', chargedUsd: usd, responseDelivered: true, width, height },
      ]);
    },
  );

  it.each(rows)('%s answers the same at once on the blocking route', async (id, input) => {
    const reply = await fal.run(id, fill(input));
    expect([reply.status, reply.headers['x-fal-request-id']]).toEqual([200, expect.any(String)]);
  });

  it('gives as many pictures as asked, each charged, and inlines them in sync mode', async () => {
    const { images, has_nsfw_concepts: flags } = json(
      await fal.run('fal-ai/flux/dev', { prompt: 'x', num_images: 3, image_size: 'square', sync_mode: true }),
    ) as FalOutput;
    expect(images?.map(({ url }) => url.slice(0, 23))).toEqual(Array(3).fill('data:image/jpeg;base64,'));
    expect(flags).toEqual([false, false, false]);
    expect(emulator.journal.read().totals.chargedUsd).toBeCloseTo(3 * 0.025 * 0.262144, 6);
  });
});

type Invalid = [id: string, input: Record<string, unknown>, loc: (string | number)[], type: string];
const withUrl = { prompt: 'x', image_urls: ['U'] };
const invalid: Invalid[] = [
  ['fal-ai/flux/schnell', {}, ['prompt'], 'missing'],
  [
    'fal-ai/flux/schnell',
    { prompt: 'x', num_inference_steps: 13 },
    ['num_inference_steps'],
    'less_than_equal',
  ],
  ['fal-ai/flux/dev', { prompt: 'x', output_format: 'webp' }, ['output_format'], 'literal_error'],
  ['fal-ai/flux/dev', { prompt: 'x', num_images: 0 }, ['num_images'], 'greater_than_equal'],
  ['fal-ai/flux/dev', { prompt: 7 }, ['prompt'], 'string_type'],
  ['fal-ai/flux/dev', { prompt: 'x', seed: 1.5 }, ['seed'], 'int_type'],
  ['fal-ai/flux/dev', { prompt: 'x', image_size: 'huge' }, ['image_size'], 'literal_error'],
  [
    'fal-ai/flux/dev',
    { prompt: 'x', image_size: { width: 0 } },
    ['image_size', 'width'],
    'greater_than_equal',
  ],
  [seedream, { prompt: 'x', image_size: { width: 1024, height: 1024 } }, ['image_size'], 'value_error'],
  [seedream, { prompt: 'x', num_images: 7 }, ['num_images'], 'less_than_equal'],
  ['fal-ai/z-image/turbo', { prompt: 'x', acceleration: 'warp' }, ['acceleration'], 'literal_error'],
  ['fal-ai/flux-pulid', { prompt: 'x' }, ['reference_image_url'], 'missing'],
  [
    'fal-ai/flux-pulid',
    { prompt: 'x', reference_image_url: 'U', max_sequence_length: 128 },
    ['max_sequence_length'],
    'literal_error',
  ],
  [
    'fal-ai/pulid',
    { prompt: 'x', reference_images: [{ url: 'U' }] },
    ['reference_images', 0, 'image_url'],
    'missing',
  ],
  ['fal-ai/pulid', { prompt: 'x', reference_image_url: 'U' }, ['reference_images'], 'missing'],
  ['fal-ai/flux-2/edit', { prompt: 'x', image_urls: [] }, ['image_urls'], 'too_short'],
  [
    'fal-ai/flux-2/edit',
    { ...withUrl, image_size: { width: 256, height: 512 } },
    ['image_size', 'width'],
    'greater_than_equal',
  ],
  ['fal-ai/flux-2-pro/edit', { ...withUrl, safety_tolerance: 2 }, ['safety_tolerance'], 'literal_error'],
  ['fal-ai/qwen-image-edit-2511', { prompt: 'x', image_urls: 'U' }, ['image_urls'], 'list_type'],
  ['fal-ai/clarity-upscaler', {}, ['image_url'], 'missing'],
  ['fal-ai/aura-sr', { image_url: 'U', upscale_factor: 2 }, ['upscale_factor'], 'literal_error'],
  [
    'fal-ai/seedvr/upscale/image',
    { image_url: 'U', output_format: 'jpeg' },
    ['output_format'],
    'literal_error',
  ],
  ['fal-ai/topaz/upscale/image', { image_url: 'U', model: 'Best' }, ['model'], 'literal_error'],
  ['fal-ai/topaz/upscale/image', { image_url: 'U', prompt: 'x'.repeat(1025) }, ['prompt'], 'string_too_long'],
  ['fal-ai/flux/dev/image-to-image', { prompt: 'x' }, ['image_url'], 'missing'],
  [
    'fal-ai/flux/dev/image-to-image',
    { prompt: 'x', image_url: 'U', enable_safety_checker: 'yes' },
    ['enable_safety_checker'],
    'bool_type',
  ],
  [
    'fal-ai/z-image/turbo/image-to-image',
    { prompt: 'x', image_url: 'U', strength: 'half' },
    ['strength'],
    'float_type',
  ],
  [
    'fal-ai/flux-pulid',
    { prompt: 'x', reference_image_url: 'https://example.test/a.png' },
    ['reference_image_url'],
    'file_download_error',
  ],
  ['fal-ai/aura-sr', { image_url: 'data:image/png;base64,aGVsbG8=' }, ['image_url'], 'image_load_error'],
];

describe('an invalid request', () => {
  it.each(invalid)(
    '%s %j: the queue takes it and its result is a 422 about %j',
    async (id, input, loc, type) => {
      const reply = await fal.result(id, fill(input));

      expect(reply.status).toBe(422);
      expect(json(reply)).toMatchObject({
        detail: [{ loc: ['body', ...loc], type, msg: expect.any(String) as unknown }],
      });
      expect(emulator.journal.read()).toMatchObject({
        entries: [],
        rejections: [{ endpoint: id, status: 422 }],
      });
    },
  );

  it('is refused at once on the blocking route', async () => {
    const reply = await fal.run('fal-ai/flux/dev', {});
    expect([reply.status, json(reply)]).toMatchObject([
      422,
      { detail: [{ loc: ['body', 'prompt'], type: 'missing' }] },
    ]);
  });

  it('takes a small Seedream picture in pixels that fit in sum', async () => {
    const reply = await fal.result(seedream, { prompt: 'x', image_size: { width: 1440, height: 2560 } });
    expect(reply.status).toBe(200);
  });
});

describe('access', () => {
  it.each([
    [{}, 401],
    [{ authorization: 'Bearer abc' }, 401],
    [{ authorization: 'Key wrong' }, 401],
    [{ authorization: 'Key right' }, 200],
  ])('with %j answers %i', async (headers, status) => {
    emulator.settings.change({ fal: { key: 'right' } });
    const reply = await exchange(
      'POST',
      `${emulator.urls.fal}/queue/fal-ai/flux/dev`,
      { prompt: 'x' },
      headers,
    );
    expect(reply.status).toBe(status);
  });

  it('an unknown endpoint is 404, and so is an unknown request', async () => {
    const unknown = await exchange('POST', `${emulator.urls.fal}/queue/fal-ai/nothing`, {}, key);
    const request = await fal.get(`${emulator.urls.fal}/queue/fal-ai/flux/requests/none/status`);
    expect([unknown.status, request.status]).toEqual([404, 404]);
  });

  it('an upload that was not announced is refused, and a file nobody stored is 404', async () => {
    const put = await exchange('PUT', `${emulator.urls.fal}/files/upload/none`, Buffer.from('x'));
    const get = await exchange('GET', `${emulator.urls.fal}/files/none/a.png`);
    expect([put.status, get.status]).toEqual([403, 404]);
  });
});
