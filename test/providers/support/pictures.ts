import sharp from 'sharp';

/** A real little picture with something on it; `shade` makes it another one. */
export async function testPicture(format: 'png' | 'jpeg' = 'png', shade = 120): Promise<Buffer> {
  const overlay = {
    create: { width: 16, height: 16, channels: 3, background: { r: shade, g: 40, b: 200 } },
  } as const;
  const canvas = sharp({ create: { width: 64, height: 64, channels: 3, background: '#eedd22' } });
  return await canvas
    .composite([{ input: overlay, left: 8, top: 24 }])
    .toFormat(format)
    .toBuffer();
}

/** What a safety filter leaves of a picture. */
export async function blackPicture(): Promise<Buffer> {
  return await sharp({ create: { width: 64, height: 64, channels: 3, background: '#000000' } })
    .jpeg()
    .toBuffer();
}
