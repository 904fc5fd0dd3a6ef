import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { inspectMedia } from '../../src/assets/inspect-media';
import { looksAlike } from '../../src/domain/looks-alike';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { baseImages, plan, profilePictures } from '../registry/fixtures';

let directory: string;
let emulator: RunningEmulator;
let face: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-alike-'));
  emulator = await startEmulator({ timeScale: 0 });
  face = await modalPicture('ryla-flux/flux-dev', { prompt: 'a woman with red hair', seed: 3 });
});

afterAll(async () => {
  await emulator.close();
  await rm(directory, { recursive: true, force: true });
});

async function modalPicture(path: string, body: object): Promise<Buffer> {
  const answer = await fetch(`${emulator.urls.modal}/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

async function falPicture(endpoint: string, body: object): Promise<Buffer> {
  const headers = { authorization: 'Key a:b' };
  const request = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${emulator.urls.fal}/run/${endpoint}`, request);
  const { images } = (await answer.json()) as { images: { url: string }[] };
  return Buffer.from(await (await fetch(images[0]?.url ?? '')).arrayBuffer());
}

async function hashOf(picture: Buffer): Promise<string | undefined> {
  const path = join(directory, 'subject');
  await writeFile(path, picture);
  return (await inspectMedia(path, { allowBlank: false })).perceptualHash;
}

/** The pictures of one set, by the first choice of each slot. */
async function picturesOf(set: ReturnType<typeof plan>): Promise<(string | undefined)[]> {
  const reference_image = `data:image/jpeg;base64,${face.toString('base64')}`;
  const hashes: (string | undefined)[] = [];
  for (const { candidates } of set.slots) {
    const [first] = candidates;
    const body = { ...first?.parameters, reference_image };
    const picture =
      first?.provider === 'fal'
        ? await falPicture(first.endpoint, first.parameters)
        : await modalPicture(`${first?.app ?? ''}${first?.endpoint ?? ''}`, body);
    hashes.push(await hashOf(picture));
  }
  return hashes;
}

/** Bits in which the two nearest pictures differ. */
function nearest(hashes: readonly (string | undefined)[]): number {
  const pairs = hashes.flatMap((a, index) => hashes.slice(index + 1).map((b) => [a ?? '', b ?? ''] as const));
  return Math.min(...pairs.map(([a, b]) => Array.from(a).filter((bit, index) => bit !== b[index]).length));
}

describe('looksAlike', () => {
  it.each<[string, (picture: Sharp) => Sharp]>([
    ['recompressed', (picture) => picture.jpeg({ quality: 30 })],
    ['made smaller, in another format', (picture) => picture.resize(300).png()],
    ['a little brighter', (picture) => picture.modulate({ brightness: 1.1 }).webp({ quality: 60 })],
    ['blurred', (picture) => picture.blur(2).jpeg()],
  ])('knows a picture again that was %s', async (_name, change) => {
    const changed = await change(sharp(face)).toBuffer();
    expect(looksAlike(await hashOf(face), await hashOf(changed))).toBe(true);
  });

  it('does not take a picture for its mirror image', async () => {
    const mirrored = await sharp(face).flop().jpeg().toBuffer();
    expect(looksAlike(await hashOf(face), await hashOf(mirrored))).toBe(false);
  });

  it('stays far from finding look-alikes among the pictures of a set', async () => {
    const referenceImageUrl = '/v1/assets/face';
    for (const set of ['classic-influencer', 'professional-model', 'natural-beauty']) {
      const profile = plan(profilePictures({ set, referenceImageUrl }));
      expect(nearest(await picturesOf(profile))).toBeGreaterThanOrEqual(14);
    }
    for (const seed of [1, 77, 1000]) {
      expect(nearest(await picturesOf(plan(baseImages({ seed }))))).toBeGreaterThanOrEqual(14);
    }
  });

  it('sees through a provider that always gives the same picture', async () => {
    emulator.faults.add({ provider: 'modal', fault: 'same_picture' });
    const pictures = [1, 2].map((seed) =>
      modalPicture('ryla-flux/flux-dev', { prompt: `number ${seed}`, seed }),
    );
    const [first, second] = await Promise.all(pictures);
    emulator.faults.clear();
    expect(first?.equals(second ?? Buffer.alloc(0))).toBe(true);
    expect(looksAlike(await hashOf(face), await hashOf(first ?? Buffer.alloc(0)))).toBe(false);
  });

  it('never finds two clips alike, which have no hash', () => {
    expect(looksAlike(undefined, undefined)).toBe(false);
    expect(looksAlike('0'.repeat(64), undefined)).toBe(false);
  });

  it('counts six bits of sixty-four as the same picture, and seven as another', () => {
    const flipped = (bits: number) => '1'.repeat(bits) + '0'.repeat(64 - bits);
    expect(looksAlike('0'.repeat(64), flipped(6))).toBe(true);
    expect(looksAlike('0'.repeat(64), flipped(7))).toBe(false);
  });
});
