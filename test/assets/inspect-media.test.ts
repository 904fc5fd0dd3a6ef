import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { inspectMedia, type MediaFacts } from '../../src/assets/inspect-media';
import { blankPicture, clip, mp4, noisyPicture, picture, pngBomb } from './pictures';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-inspect-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function inspect(bytes: Buffer | string, allowBlank = false): Promise<MediaFacts> {
  const path = join(directory, 'subject');
  await writeFile(path, bytes);
  return await inspectMedia(path, { allowBlank });
}

describe('inspectMedia', () => {
  it.each(['jpeg', 'png', 'webp'] as const)('tells type and size of a %s', async (format) => {
    expect(await inspect(await picture(format))).toEqual({
      mediaType: `image/${format}`,
      kind: 'image',
      width: 96,
      height: 64,
      perceptualHash: expect.stringMatching(/^[01]{64}$/) as unknown,
    });
  });

  it('counts the frames of an animated WebP and calls it a video', async () => {
    expect(await inspect(await clip({ frames: 5 }))).toEqual({
      mediaType: 'image/webp',
      kind: 'video',
      width: 64,
      height: 64,
      frames: 5,
    });
  });

  it('reads the size of an MP4 from its first track with a picture', async () => {
    expect(await inspect(mp4())).toEqual({ mediaType: 'video/mp4', kind: 'video', width: 640, height: 360 });
  });

  it('gives the size as shown when the camera was held upright', async () => {
    const rotated = await sharp(await picture('jpeg'))
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect(await inspect(rotated)).toMatchObject({ width: 64, height: 96 });
  });

  it.each([
    ['nothing at all', '', 'empty'],
    ['an HTML page', '<!doctype html><html><body>Sign in</body></html>', 'not_media'],
    ['JSON', '{"error":"model not loaded"}', 'not_media'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'not_media'],
    ['a GIF', Buffer.from('GIF89a\x01\x00\x01\x00', 'latin1'), 'not_media'],
    ['an AVIF', Buffer.from('\0\0\0\x1cftypavif\0\0\0\0mif1miaf', 'latin1'), 'not_media'],
    ['a RIFF file that is no WebP', Buffer.from('RIFF\x04\0\0\0WAVEfmt ', 'latin1'), 'not_media'],
  ])('refuses %s', async (_name, bytes, problem) => {
    await expect(inspect(bytes)).rejects.toMatchObject({ name: 'MediaError', problem });
  });

  it.each([
    ['JPEG', () => picture('jpeg')],
    ['PNG', () => picture('png')],
    ['WebP', () => picture('webp')],
    ['animated WebP', () => clip()],
    ['MP4', () => mp4()],
  ])('sees that a %s ends early, wherever it was cut', async (_name, make) => {
    const whole = await make();
    for (const share of [0.3, 0.5, 0.99]) {
      const part = whole.subarray(0, Math.floor(whole.length * share));
      await expect(inspect(part)).rejects.toMatchObject({ problem: 'truncated' });
    }
  });

  it.each(['jpeg', 'png'] as const)('sees that only the end marker of a %s is missing', async (format) => {
    const whole = await picture(format);
    await expect(inspect(whole.subarray(0, -2))).rejects.toMatchObject({ problem: 'truncated' });
  });

  it('sees damage in the middle of a picture whose end is there', async () => {
    const damaged = await picture('png');
    damaged.fill(0, Math.floor(damaged.length / 2), Math.floor(damaged.length / 2) + 40);
    await expect(inspect(damaged)).rejects.toMatchObject({ problem: 'truncated' });
  });

  it('accepts bytes after the end, because cameras append some', async () => {
    const padded = Buffer.concat([await picture('jpeg'), Buffer.alloc(200_000, 7)]);
    expect(await inspect(padded)).toMatchObject({ mediaType: 'image/jpeg' });
  });

  it('refuses a tiny file that claims 60000 x 60000 pixels, without decoding it', async () => {
    await expect(inspect(pngBomb())).rejects.toMatchObject({ problem: 'too_large' });
  });

  it.each([
    ['black', 'png'],
    ['white', 'jpeg'],
    ['#3050a0', 'jpeg'],
  ] as const)('calls a picture that is %s all over blank (%s)', async (colour, format) => {
    await expect(inspect(await blankPicture(colour, format))).rejects.toMatchObject({ problem: 'blank' });
  });

  it.each([
    ['black with noise', { mean: 4, sigma: 12 }, undefined],
    ['white with noise', { mean: 251, sigma: 12 }, undefined],
    ['black with a faint ghost of a picture', { mean: 2, sigma: 3 }, 10],
  ])('calls a picture that is %s blank', async (_name, noise, square) => {
    await expect(inspect(await noisyPicture(noise, square))).rejects.toMatchObject({ problem: 'blank' });
  });

  it.each([
    ['a lamp in the night', { mean: 3, sigma: 4 }, 200],
    ['a dark face', { mean: 6, sigma: 6 }, 34],
    ['grey things on white', { mean: 250, sigma: 4 }, 200],
  ])('does not call %s blank', async (_name, noise, square) => {
    expect(await inspect(await noisyPicture(noise, square))).toMatchObject({ width: 256, height: 256 });
  });

  it('refuses a tiny clip that would take minutes to decode, without decoding it', async () => {
    const bytes = await clip({ frames: 20 });
    // The canvas in the VP8X header: each frame then stands on 6000 x 6000 pixels.
    bytes.writeUIntLE(6000 - 1, 24, 3);
    bytes.writeUIntLE(6000 - 1, 27, 3);

    await expect(inspect(bytes)).rejects.toMatchObject({ problem: 'too_large' });
  });

  it('accepts a blank picture where masks are welcome', async () => {
    expect(await inspect(await blankPicture('white'), true)).toMatchObject({ mediaType: 'image/png' });
  });

  it('does not call a black drawing on a transparent ground blank', async () => {
    const drawing = await sharp({ create: { width: 64, height: 64, channels: 4, background: '#00000000' } })
      .composite([{ input: await blankPicture('black'), left: 0, top: 0, blend: 'over' }])
      .extend({ right: 64, background: '#00000000' })
      .png()
      .toBuffer();
    expect(await inspect(drawing)).toMatchObject({ width: 128, height: 64 });
  });

  it('calls a clip blank only when its middle and its end both are', async () => {
    const fading = await clip({ colours: ['black', 'black', 'black', 'black'] });
    await expect(inspect(fading)).rejects.toMatchObject({ problem: 'blank' });
    expect(await inspect(await clip({ frames: 4 }))).toMatchObject({ frames: 4 });
  });
});
