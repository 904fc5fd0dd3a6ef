import sharp from 'sharp';
import { textPath, wrapText } from '../../emulator/pictures/bitmap-text';
import { renderAnimation, renderPicture, type Picture } from '../../emulator/pictures/render';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { exchange } from './support/exchange';

const picture: Picture = {
  provider: 'modal',
  endpoint: '/flux-dev',
  prompt: 'a red door',
  seed: 5,
  width: 256,
  height: 256,
  fingerprint: 'one',
  format: 'jpeg',
};

async function pixels(bytes: Buffer): Promise<Buffer> {
  return await sharp(bytes).removeAlpha().raw().toBuffer();
}

async function identityIn(bytes: Buffer): Promise<string | undefined> {
  const { exif } = await sharp(bytes).metadata();
  return /identity=(\w+)/.exec(exif?.toString('latin1') ?? '')?.[1];
}

describe('a rendered picture', () => {
  it.each([
    [64, 64],
    [1024, 1824],
    [4096, 2048],
    [17, 513],
  ])('has the size that was asked for: %i x %i', async (width, height) => {
    const bytes = await renderPicture({ ...picture, width, height });
    expect(await sharp(bytes).metadata()).toMatchObject({ width, height, format: 'jpeg' });
  });

  it('is the same, byte for byte, for the same description', async () => {
    const [one, two] = [await renderPicture(picture), await renderPicture(picture)];
    expect(one.equals(two)).toBe(true);
  });

  it.each([
    ['prompt', { prompt: 'a blue door' }],
    ['seed', { seed: 6 }],
    ['endpoint', { endpoint: '/flux' }],
    ['body', { fingerprint: 'two' }],
  ])('shows another %s', async (_what, change) => {
    const [one, two] = [await renderPicture(picture), await renderPicture({ ...picture, ...change })];
    expect((await pixels(one)).equals(await pixels(two))).toBe(false);
  });

  it('is not blank', async () => {
    const { channels } = await sharp(await renderPicture(picture)).stats();
    expect(Math.max(...channels.map(({ stdev }) => stdev))).toBeGreaterThan(10);
  });

  it('keeps the face of its reference, and of the reference of that', async () => {
    const base = await renderPicture(picture);
    const second = await renderPicture({ ...picture, fingerprint: 'two', reference: base });
    const third = await renderPicture({ ...picture, fingerprint: 'three', source: second, format: 'png' });
    const stranger = await renderPicture({ ...picture, fingerprint: 'four' });
    const faces = await Promise.all([base, second, third, stranger].map(identityIn));
    expect(faces[1]).toBe(faces[0]);
    expect(faces[2]).toBe(faces[0]);
    expect(faces[3]).not.toBe(faces[0]);
  });

  it('shows the reference itself in a corner', async () => {
    const red = await sharp({ create: { width: 32, height: 32, channels: 3, background: '#ff0000' } })
      .png()
      .toBuffer();
    const bytes = await renderPicture({ ...picture, reference: red, format: 'png' });
    const corner = await sharp(bytes).extract({ left: 215, top: 10, width: 30, height: 30 }).raw().toBuffer();
    expect([...corner.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  it('moves as an animation of the asked length', async () => {
    const bytes = await renderAnimation(picture, 33, 16);
    const { pages = 0, delay = [], width, pageHeight } = await sharp(bytes, { animated: true }).metadata();
    expect([width, pageHeight]).toEqual([256, 256]);
    expect(pages).toBeGreaterThan(1);
    expect(delay.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo((33 / 16) * 1000, -2);
  });
});

describe('text', () => {
  it('is drawn without any font: as outlines', () => {
    expect(textPath('A', 0, 0, 1)).toMatch(/^M0 2h1v5h-1z/);
    expect(textPath(' ', 0, 0, 1)).toBe('');
  });

  it('loses accents, and shows a box for what it cannot write', () => {
    expect(textPath('é', 0, 0, 1)).toBe(textPath('e', 0, 0, 1));
    expect(textPath('\u2014', 0, 0, 1)).toBe(textPath('-', 0, 0, 1));
    expect(textPath('日', 0, 0, 1)).toBe(textPath('\x7f', 0, 0, 1));
  });

  it('is broken at spaces and cut with dots', () => {
    expect(wrapText('one two three', 8, 3)).toEqual(['one two', 'three']);
    expect(wrapText('one two three four', 8, 2)).toEqual(['one two', 'three...']);
    expect(wrapText('abcdefghijkl', 5, 3)).toEqual(['abcde', 'fghij', 'kl']);
  });
});

describe('the same body at two emulators', () => {
  let emulators: RunningEmulator[];
  beforeAll(async () => {
    emulators = [
      await startEmulator({ timeScale: 0, seed: 1 }),
      await startEmulator({ timeScale: 0, seed: 2 }),
    ];
  });
  afterAll(() => Promise.all(emulators.map((emulator) => emulator.close())));

  it('gives the same bytes, whatever the order of its fields', async () => {
    const bodies = ['{"prompt":"x","seed":1,"width":64}', '{"width":64,"seed":1,"prompt":"x"}'];
    const replies = await Promise.all(
      emulators.map(({ urls }, index) => exchange('POST', `${urls.modal}/ryla-flux/flux`, bodies[index])),
    );
    expect(replies[0]?.status).toBe(200);
    expect(replies[0]?.bytes.equals(replies[1]?.bytes ?? Buffer.alloc(0))).toBe(true);
  });
});
