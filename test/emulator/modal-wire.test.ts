import sharp from 'sharp';
import { modalEndpoints } from '../../emulator/modal/endpoints';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { exchange, json, type Exchange } from './support/exchange';
import { sampleDataUrl, samplePng } from './support/pictures';

let emulator: RunningEmulator;
let picture: string;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.0001 });
  picture = await sampleDataUrl();
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  // Some routes take longer than one request may: here only their answers matter.
  emulator.settings.change({ fixedLatencySeconds: 1 });
});

const apps: Record<string, string> = Object.fromEntries(modalEndpoints.map(({ path, app }) => [path, app]));
const post = (path: string, body: unknown, app = apps[path] ?? 'ryla-flux'): Promise<Exchange> =>
  exchange('POST', `${emulator.urls.modal}/${app}${path}`, body);

type Shape = 'detail' | 'caught' | 'caught-http';
type Row = [path: string, body: Record<string, unknown>, status: number, shape: Shape, says: string];

const face = 'reference_image is required';
const source = 'source_image is required';
const lora = 'lora_id or lora_name is required';

/** `P` stands for a picture. */
const missing: Row[] = [
  ['/flux', {}, 500, 'caught', "'prompt'"],
  ['/flux-dev', {}, 500, 'caught', "'prompt'"],
  ['/flux-dev-lora', { prompt: 'x' }, 400, 'detail', lora],
  ['/flux-dev-lora', { prompt: 'x', lora_id: 'nobody' }, 404, 'detail', 'LoRA not found: character-nobody'],
  ['/flux-dev-lora', { lora_id: 'demo' }, 500, 'caught', "'prompt'"],
  ['/flux-dev-realism', {}, 500, 'caught', "'prompt'"],
  ['/sdxl-instantid', { prompt: 'x' }, 400, 'caught-http', face],
  ['/sdxl-instantid', { reference_image: 'P' }, 500, 'caught', "'prompt'"],
  ['/flux-pulid', { prompt: 'x' }, 400, 'detail', face],
  ['/flux-pulid', { reference_image: 'P' }, 500, 'caught', "'prompt'"],
  ['/flux-ipadapter-faceid', { prompt: 'x' }, 400, 'caught-http', face],
  ['/flux-ipadapter-faceid', { reference_image: 'P' }, 500, 'caught', "'prompt'"],
  ['/qwen-image-2512-lora', { prompt: 'x' }, 400, 'detail', lora],
  ['/qwen-image-2512-lora', { prompt: 'x', lora_id: 'nobody' }, 404, 'detail', 'qwen-character-nobody'],
  ['/qwen-image-edit-2511', { instruction: 'x' }, 500, 'caught', source],
  ['/qwen-image-edit-2511', { source_image: 'P' }, 500, 'caught', 'instruction is required'],
  ['/qwen-image-inpaint-2511', { source_image: 'P', prompt: 'x' }, 500, 'caught', 'mask_image is required'],
  ['/qwen-image-inpaint-2511', { mask_image: 'P', prompt: 'x' }, 500, 'caught', source],
  ['/qwen-image-inpaint-2511', { source_image: 'P', mask_image: 'P' }, 500, 'caught', 'prompt is required'],
  ['/z-image-simple', {}, 500, 'caught', "'prompt'"],
  ['/z-image-danrisi', {}, 500, 'caught', "'prompt'"],
  ['/z-image-lora', { prompt: 'x' }, 400, 'detail', lora],
  ['/z-image-lora', { prompt: 'x', lora_id: 'nobody' }, 404, 'detail', 'character-nobody'],
  ['/z-image-lora', { lora_id: 'demo' }, 400, 'detail', 'prompt is required'],
  ['/image-faceswap', { reference_image: 'P' }, 400, 'detail', source],
  ['/image-faceswap', { source_image: 'P' }, 400, 'detail', face],
  ['/video-faceswap', { reference_image: 'P' }, 400, 'detail', 'source_video is required'],
  ['/batch-video-faceswap', {}, 400, 'detail', 'source_video is required'],
  ['/seedvr2', {}, 500, 'caught', 'image is required'],
  ['/wan2.6', {}, 500, 'caught', 'prompt is required'],
  ['/wan2.6-i2v', { prompt: 'x' }, 400, 'detail', face],
  ['/wan2.6-i2v', { reference_image: 'P' }, 500, 'caught', 'prompt is required'],
  ['/wan2.6-i2v-faceswap', { prompt: 'x', reference_image: 'P' }, 400, 'detail', 'face_image is required'],
  ['/wan2.6-lora', { prompt: 'x' }, 400, 'detail', lora],
  ['/wan2.6-lora', { prompt: 'x', lora_id: 'nobody' }, 404, 'detail', 'wan-character-nobody'],
  ['/wan2.6-lora', { lora_id: 'demo' }, 500, 'caught', "'prompt'"],
  ['/wan2.6-r2v', { prompt: 'x' }, 500, 'caught', 'reference_videos is required'],
  ['/wan2.6-r2v', { prompt: 'x', reference_video: 'P' }, 500, 'caught', 'reference_videos is required'],
  ['/wan22-i2v', {}, 400, 'detail', source],
  ['/wan22-i2v-faceswap', { source_image: 'P' }, 400, 'detail', 'face_image is required'],
];

describe('a missing required field', () => {
  it.each(missing)('%s with %j answers %i in the %s shape', async (path, body, status, shape, says) => {
    const reply = await post(path, withPictures(body));

    expect(reply.status).toBe(status);
    const content = json(reply);
    if (shape === 'detail') expect(content['detail']).toContain(says);
    else
      expect(content).toMatchObject({
        error: expect.stringContaining(says) as unknown,
        details: expect.stringContaining('Traceback') as unknown,
      });
    if (shape === 'caught-http')
      expect(content).toMatchObject({ type: 'HTTPException', error: `${status}: ${says}` });
    if (shape === 'caught') expect(content['type']).toBe(says.startsWith("'") ? 'KeyError' : 'ValueError');
    expect('path' in content).toBe(shape !== 'detail' && apps[path] === 'ryla-flux');
    expect(emulator.journal.read().entries).toEqual([]);
    expect(emulator.journal.read().rejections).toMatchObject([{ endpoint: path, status, paid: false }]);
  });
});

const complete: [path: string, body: Record<string, unknown>, type: string, width: number, height: number][] =
  [
    ['/flux', { prompt: 'x' }, 'image/jpeg', 1024, 1024],
    ['/flux-dev', { prompt: 'x', width: 832, height: 1216, unknown_field: 1 }, 'image/jpeg', 832, 1216],
    ['/flux-dev-lora', { prompt: 'x', lora_id: 'demo' }, 'image/jpeg', 1024, 1024],
    ['/flux-dev-realism', { prompt: 'x' }, 'image/jpeg', 1024, 1024],
    ['/sdxl-instantid', { prompt: 'x', reference_image: 'P' }, 'image/jpeg', 1024, 1024],
    ['/flux-pulid', { prompt: 'x', reference_image: 'P' }, 'image/jpeg', 1024, 1024],
    ['/flux-ipadapter-faceid', { prompt: 'x', reference_image: 'P' }, 'image/jpeg', 1024, 1024],
    ['/qwen-image-2512', {}, 'image/jpeg', 1328, 1328],
    ['/qwen-image-2512', { aspect_ratio: '16:9', width: 512, height: 512 }, 'image/jpeg', 1664, 928],
    ['/qwen-image-2512-fast', { aspect_ratio: '7:5' }, 'image/jpeg', 1328, 1328],
    ['/qwen-image-2512-lora', { lora_id: 'demo' }, 'image/jpeg', 1328, 1328],
    ['/qwen-image-edit-2511', { source_image: 'P', instruction: 'x' }, 'image/jpeg', 64, 64],
    ['/qwen-image-inpaint-2511', { source_image: 'P', mask_image: 'P', prompt: 'x' }, 'image/jpeg', 64, 64],
    ['/z-image-simple', { prompt: 'x' }, 'image/jpeg', 1024, 1024],
    ['/z-image-danrisi', { prompt: 'x' }, 'image/jpeg', 1024, 1024],
    ['/z-image-lora', { prompt: 'x', lora_name: 'character-demo' }, 'image/jpeg', 1024, 1024],
    ['/image-faceswap', { source_image: 'P', reference_image: 'P' }, 'image/jpeg', 64, 64],
    ['/seedvr2', { image: 'B', resolution: 128, scale: 9 }, 'image/png', 128, 128],
    ['/wan2.6', { prompt: 'x' }, 'image/webp', 832, 480],
    ['/wan2.6-i2v', { prompt: 'x', reference_image: 'P' }, 'image/webp', 832, 480],
    ['/wan2.6-lora', { prompt: 'x', lora_id: 'demo' }, 'image/webp', 832, 480],
    ['/wan2.6-r2v', { prompt: 'x', reference_videos: ['P'] }, 'image/webp', 832, 480],
    ['/wan22-i2v', { source_image: 'P' }, 'image/webp', 512, 768],
  ];

describe('a complete request', () => {
  it.each(complete)(
    '%s with %j returns raw bytes as %s of %i x %i',
    async (path, body, type, width, height) => {
      const reply = await post(path, withPictures(body));

      expect(reply.status).toBe(200);
      expect(reply.headers['content-type']).toBe(type);
      const image = await sharp(reply.bytes).metadata();
      expect([image.width, image.pageHeight ?? image.height]).toEqual([width, height]);
      expect(image.format).toBe(type.slice('image/'.length));
      expect((image.pages ?? 1) > 1).toBe(type === 'image/webp');
    },
  );

  it.each(['/video-faceswap', '/batch-video-faceswap', '/wan2.6-i2v-faceswap', '/wan22-i2v-faceswap'])(
    '%s returns an MP4 file whose boxes are complete',
    async (path) => {
      const body = withPictures({
        prompt: 'x',
        source_video: 'P',
        source_image: 'P',
        reference_image: 'P',
        face_image: 'P',
      });
      const reply = await post(path, body);

      expect(reply.headers['content-type']).toBe('video/mp4');
      expect(topLevelBoxes(reply.bytes)).toEqual(['ftyp', 'mdat', 'moov']);
    },
  );
});

describe('inputs the handlers cannot use', () => {
  it('takes a plain URL for a file on the server, which does not exist', async () => {
    const reply = await post('/flux-pulid', { prompt: 'x', reference_image: 'https://example.test/a.png' });
    expect([reply.status, json(reply)['type']]).toEqual([500, 'Exception']);
  });

  it('answers 500 ValueError to a data URL that is no picture', async () => {
    const reply = await post('/sdxl-instantid', {
      prompt: 'x',
      reference_image: 'data:image/png;base64,aGVsbG8=',
    });
    expect([reply.status, json(reply)['error']]).toEqual([500, 'Invalid image format']);
  });

  it.each([
    ['no JSON', 'prompt=x', 'JSONDecodeError'],
    ['a JSON list', '[1]', 'AttributeError'],
    ['a width in words', '{"prompt":"x","width":"wide"}', 'ValueError'],
    ['a picture of 100 megapixels', '{"prompt":"x","width":10000,"height":10000}', 'OutOfMemoryError'],
  ])('answers 500 to %s', async (_what, body, type) => {
    const reply = await post('/flux-dev', body);
    expect([reply.status, json(reply)['type']]).toEqual([500, type]);
  });
});

describe('LoRA files', () => {
  it('are missed by the realism route too, whose LoRA is fixed', async () => {
    await exchange('DELETE', `${emulator.urls.control}/control/loras/flux-realism.safetensors`);
    const reply = await post('/flux-dev-realism', { prompt: 'x' });
    expect([reply.status, json(reply)['detail']]).toEqual([
      404,
      expect.stringContaining('LoRA not found: flux-realism'),
    ]);
    expect(emulator.journal.read()).toMatchObject({ entries: [], rejections: [{ status: 404 }] });
  });

  it('looks up the id with the prefix of the family, then with the plain one', async () => {
    await exchange('DELETE', `${emulator.urls.control}/control/loras/qwen-character-demo.safetensors`);
    expect((await post('/qwen-image-2512-lora', { lora_id: 'demo' })).status).toBe(200);
    await exchange('DELETE', `${emulator.urls.control}/control/loras/character-demo.safetensors`);
    expect((await post('/qwen-image-2512-lora', { lora_id: 'demo' })).status).toBe(404);
  });

  it('prefixes an id that is prefixed already, and so does not find it', async () => {
    const reply = await post('/flux-dev-lora', { prompt: 'x', lora_id: 'character-demo' });
    expect([reply.status, json(reply)['detail']]).toEqual([
      404,
      expect.stringContaining('character-character-demo'),
    ]);
  });

  it('finds a file that was added, and lists it', async () => {
    await exchange('PUT', `${emulator.urls.control}/control/loras/character-ana.safetensors`);
    expect((await post('/z-image-lora', { prompt: 'x', lora_id: 'ana' })).status).toBe(200);
    const { count } = json(await exchange('GET', `${emulator.urls.modal}/ryla-flux/loras`)) as {
      count: number;
    };
    expect(count).toBe(5);
  });
});

describe('routes', () => {
  it.each([
    ['POST', '/ryla-flux/sdxl-instantid', 404, 'Not Found'],
    ['POST', '/ryla-flux/flux-lora', 404, 'Not Found'],
    ['POST', '/ryla-lora/flux-lora', 404, 'modal-http: invalid function call'],
    ['GET', '/ryla-flux/flux-dev', 405, 'Method Not Allowed'],
    ['POST', '/ryla-instantid/flux-instantid', 501, 'InstantID does not work'],
    ['POST', '/ryla-z-image/z-image-pulid-lora', 501, 'alternatives'],
    ['GET', '/ryla-wan26/health', 200, '"app":"ryla-wan26"'],
  ])('%s %s answers %i', async (method, path, status, says) => {
    const reply = await exchange(method, emulator.urls.modal + path, method === 'POST' ? {} : undefined);
    expect(reply.status).toBe(status);
    expect(reply.text).toContain(says);
  });
});

function withPictures(body: Record<string, unknown>): Record<string, unknown> {
  const filled = JSON.stringify(body).replaceAll('"P"', JSON.stringify(picture));
  return JSON.parse(filled.replaceAll('"B"', JSON.stringify(base64))) as Record<string, unknown>;
}

let base64 = '';
beforeAll(async () => {
  base64 = (await samplePng()).toString('base64');
});

function topLevelBoxes(bytes: Buffer): string[] {
  const types: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += bytes.readUInt32BE(offset)) {
    types.push(bytes.toString('latin1', offset + 4, offset + 8));
  }
  return types;
}
