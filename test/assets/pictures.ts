import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** A small picture with structure: stripes, so that it is neither blank nor compressible to nothing. */
export async function picture(
  format: 'jpeg' | 'png' | 'webp',
  { width = 96, height = 64, seed = 1 }: { width?: number; height?: number; seed?: number } = {},
): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  pixels.forEach((_value, index) => {
    pixels[index] = (index * 7919 + seed * 104_729) % 251;
  });
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

/** One single colour. */
export async function blankPicture(background: string, format: 'jpeg' | 'png' = 'png'): Promise<Buffer> {
  return await sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .toFormat(format)
    .toBuffer();
}

/** 256 x 256 of noise around a grey (0-255), with a square of another grey over a sixteenth of it. */
export async function noisyPicture(noise: { mean: number; sigma: number }, square?: number): Promise<Buffer> {
  const size = { width: 256, height: 256, channels: 3 } as const;
  const canvas = sharp({ create: { ...size, background: '#000000', noise: { type: 'gaussian', ...noise } } });
  if (square === undefined) return await canvas.png().toBuffer();
  const background = { r: square, g: square, b: square };
  const input = { create: { width: 64, height: 64, channels: 3, background } } as const;
  return await canvas
    .composite([{ input, left: 90, top: 70 }])
    .png()
    .toBuffer();
}

/** An animated WebP; frames of the given colours, or striped ones. */
export async function clip(options: { frames?: number; colours?: readonly string[] } = {}): Promise<Buffer> {
  const { frames = 5, colours } = options;
  const pictures = await Promise.all(
    colours?.map((colour) => blankPicture(colour)) ??
      Array.from({ length: frames }, (_value, index) =>
        picture('png', { width: 64, height: 64, seed: index }),
      ),
  );
  return await sharp(pictures, { join: { animated: true } })
    .webp({ effort: 0, delay: pictures.map(() => 60) })
    .toBuffer();
}

/** The boxes of an MP4 file around meaningless media data: all that can be checked without a decoder. */
export function mp4({ brand = 'isom', width = 640, height = 360 } = {}): Buffer {
  const tkhd = Buffer.alloc(84);
  tkhd.writeUInt32BE(width << 16, 76);
  tkhd.writeUInt32BE(height << 16, 80);
  const sound = box('trak', box('tkhd', Buffer.alloc(84)));
  const movie = box('moov', Buffer.concat([sound, box('trak', box('tkhd', tkhd))]));
  const type = box('ftyp', Buffer.from(`${brand}\0\0\0\0isom`, 'latin1'));
  return Buffer.concat([type, box('mdat', Buffer.alloc(500, 1)), movie]);
}

function box(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

/** A PNG of a few dozen bytes that claims to be 60000 x 60000. */
export function pngBomb(): Buffer {
  const header = Buffer.from('0000ea600000ea600802000000', 'hex');
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const data = deflateSync(Buffer.alloc(10));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, body: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const frame = Buffer.alloc(content.length + 8);
  frame.writeUInt32BE(body.length, 0);
  content.copy(frame, 4);
  frame.writeUInt32BE(crc32(content), content.length + 4);
  return frame;
}
