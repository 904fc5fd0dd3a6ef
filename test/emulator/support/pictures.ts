import sharp from 'sharp';

/** A small real picture as PNG bytes. */
export async function samplePng(width = 64, height = 64, background = '#3366cc'): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

/** The same as a data URL. */
export async function sampleDataUrl(width?: number, height?: number): Promise<string> {
  return `data:image/png;base64,${(await samplePng(width, height)).toString('base64')}`;
}
