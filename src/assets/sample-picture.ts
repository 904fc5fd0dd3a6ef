import sharp from 'sharp';
import phash from 'sharp-phash';

/** A shrunk copy of a decoded picture, on which everything else is measured: decoding is what costs. */
export interface PictureSample {
  data: Buffer;
  raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 };
}

/** Side of the sample in pixels; a hash needs 32. */
const sampleSide = 64;
const decodeSeconds = 30;
/** Of 255. Solid colours give 0, real pictures 28-59, a JPEG of one colour below 1. */
const blankDeviation = 1;
/** Side of the copy that darkness is measured on: small enough to average noise away, not a lamp in the night. */
const darknessSide = 16;
/** Video's black and white (ITU-R BT.601): a screen shows nothing below the one and above the other. */
const nominalBlack = 16;
const nominalWhite = 235;

/** Decodes one page of a picture. @throws sharp's error when it cannot be decoded. */
export async function samplePicture(
  path: string,
  { page, maximumPixels }: { page: number; maximumPixels: number },
): Promise<PictureSample> {
  const { data, info } = await sharp(path, { page, failOn: 'warning', limitInputPixels: maximumPixels })
    .timeout({ seconds: decodeSeconds })
    .autoOrient()
    .resize(sampleSide, sampleSide, { fit: 'inside' })
    // Grey, so that neither a black nor a white drawing on a transparent ground looks like one colour.
    .flatten({ background: '#808080' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data, raw: { width, height, channels } };
}

/** Whether a sample is of one colour, or so dark or so bright all over that nobody sees anything, noise or not. */
export async function isBlankSample({ data, raw }: PictureSample): Promise<boolean> {
  const { channels } = await sharp(data, { raw }).stats();
  if (channels.every(({ stdev }) => stdev < blankDeviation)) return true;
  const averaged = await sharp(data, { raw })
    .resize(darknessSide, darknessSide, { fit: 'fill' })
    .raw()
    .toBuffer();
  return averaged.every((value) => value < nominalBlack) || averaged.every((value) => value > nominalWhite);
}

/** 64 bits, each `0` or `1`: near for pictures that look alike, whatever their format, size and quality. */
export async function hashSample({ data, raw }: PictureSample): Promise<string> {
  return await phash(data, { raw });
}
