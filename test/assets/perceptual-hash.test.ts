import sharp from 'sharp';
import phash from 'sharp-phash';
import { hashSample } from '../../src/assets/sample-picture';

/** A picture of its own for every seed: gradients and a disc. */
async function sampleOf(seed: number) {
  const { data, info } = await sharp({
    create: { width: 64, height: 48, channels: 3, background: { r: seed * 37, g: 90, b: 200 - seed * 11 } },
  })
    .composite([
      {
        input: Buffer.from(
          `<svg width="64" height="48"><circle cx="${10 + seed * 5}" cy="${40 - seed * 4}" r="${6 + seed}" fill="white"/>
          <rect x="${seed * 3}" y="4" width="20" height="${8 + seed}" fill="black"/></svg>`,
        ),
      },
    ])
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data, raw: { width, height, channels } };
}

describe('the perceptual hash', () => {
  it.each([0, 1, 2, 3, 4, 5])(
    'is the one of sharp-phash, so that stored hashes stay comparable: %d',
    async (seed) => {
      const sample = await sampleOf(seed);
      const hash = await hashSample(sample);
      expect(hash).toMatch(/^[01]{64}$/);
      expect(hash).toBe(await phash(sample.data, { raw: sample.raw }));
    },
  );
});
