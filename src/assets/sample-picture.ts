import sharp from 'sharp';

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

/** Side of the copy that is hashed. */
const hashSide = 32;
/** Frequencies of each direction that are looked at, from the lowest but one on: the lowest is the brightness. */
const hashFrequencies = 8;
/** By frequency and place: one row of the discrete cosine transform (DCT-II) for each frequency that is looked at. */
const cosines = Array.from({ length: hashFrequencies }, (_row, index) =>
  Float64Array.from({ length: hashSide }, (_value, place) =>
    Math.cos(((2 * place + 1) / (2 * hashSide)) * (index + 1) * Math.PI),
  ),
);

/**
 * 64 bits, each `0` or `1`: near for pictures that look alike, whatever their format, size and quality. It is the hash of the
 * package `sharp-phash`, which takes 9 ms of the event loop for it: here only the 64 frequencies in question are computed.
 */
export async function hashSample({ data, raw }: PictureSample): Promise<string> {
  const pixels = await sharp(data, { raw })
    .greyscale()
    .resize(hashSide, hashSide, { fit: 'fill' })
    .raw()
    .toBuffer();
  const columns = cosines.map((row) => transformColumns(pixels, row));
  const frequencies = cosines.flatMap((row) => columns.map((column) => product(row, column)));
  const mean = frequencies.reduce((sum, value) => sum + value, 0) / frequencies.length;
  return frequencies.map((value) => (value > mean ? '1' : '0')).join('');
}

/** One frequency of every column of the picture. */
function transformColumns(pixels: Buffer, row: Float64Array): Float64Array {
  return Float64Array.from({ length: hashSide }, (_value, x) => {
    let sum = 0;
    for (let y = 0; y < hashSide; y += 1) sum += (row[y] ?? 0) * (pixels[hashSide * y + x] ?? 0);
    return sum;
  });
}

function product(row: Float64Array, values: Float64Array): number {
  return row.reduce((sum, value, index) => sum + value * (values[index] ?? 0), 0);
}
