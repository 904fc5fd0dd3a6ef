import { open } from 'node:fs/promises';
import sharp from 'sharp';
import { MediaError } from '../domain/media';
import { hasEndMarker } from './end-marker';
import { readSignature, signatureBytes, type MediaSignature } from './media-type';
import { readMp4Facts } from './mp4-boxes';
import { hashSample, isBlankSample, samplePicture, type PictureSample } from './sample-picture';

/** What the bytes themselves say. */
export interface MediaFacts extends MediaSignature {
  /** Pixels as shown, after the camera's orientation note. Absent when an MP4 does not tell. */
  width?: number | undefined;
  height?: number | undefined;
  /** Frames of an animated WebP; absent for stills and for MP4, which is not decoded. */
  frames?: number | undefined;
  /** See `StoredAsset`; needs the picture decoded. */
  perceptualHash?: string | undefined;
}

/** 40 megapixels a frame: a small file may claim far more and cost seconds and gigabytes to decode. */
const maximumPixels = 40e6;
/** The longest clip of any endpoint has 161 frames. */
const maximumFrames = 1_000;
/** 161 frames of 2048 x 2048, two seconds of decoding: a tiny file may hold minutes of it, and decoders are few. */
const maximumClipPixels = 700e6;

/**
 * Inspects a finished file: magic bytes, the format's end, a full decode, blankness, and a still's
 * perceptual hash. MP4 is walked box by box and not
 * decoded.
 *
 * @throws MediaError `empty`, `not_media`, `truncated`, `too_large` or, unless `allowBlank`, `blank`.
 */
export async function inspectMedia(path: string, options: { allowBlank: boolean }): Promise<MediaFacts> {
  const facts = await readMediaFacts(path);
  if (facts.mediaType === 'video/mp4') return facts;
  if (facts.frames !== undefined) {
    if ((await isBlankClip(path, facts.frames)) && !options.allowBlank) throw blank();
    return facts;
  }
  const still = await sample(path, 0);
  if ((await isBlankSample(still)) && !options.allowBlank) throw blank();
  return { ...facts, perceptualHash: await hashSample(still) };
}

function blank(): MediaError {
  return new MediaError('blank', 'the picture is of one single colour');
}

/**
 * The same facts from the file's headers alone, without decoding the picture.
 *
 * @throws MediaError `empty`, `not_media`, `truncated` or `too_large`.
 */
export async function readMediaFacts(path: string): Promise<MediaFacts> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(signatureBytes), 0, signatureBytes, 0);
    if (bytesRead === 0) throw new MediaError('empty', 'there are no bytes');
    const signature = readSignature(buffer.subarray(0, bytesRead));
    if (signature === undefined) throw new MediaError('not_media', 'the bytes are no JPEG, PNG, WebP or MP4');
    if (signature.mediaType !== 'video/mp4') {
      if (!(await hasEndMarker(file, signature.mediaType))) throw truncated();
      return { ...signature, ...(await pictureFacts(path)) };
    }
    const { complete, ...size } = await readMp4Facts(file);
    if (!complete) throw truncated();
    return { ...signature, ...size };
  } finally {
    await file.close();
  }
}

async function pictureFacts(path: string): Promise<Pick<MediaFacts, 'width' | 'height' | 'frames'>> {
  const metadata = await decoding(sharp(path, { limitInputPixels: maximumPixels }).metadata());
  const frames = metadata.pages ?? 1;
  if (frames > maximumFrames) throw new MediaError('too_large', `more than ${String(maximumFrames)} frames`);
  const { width, height } = metadata.autoOrient;
  if (width * height * frames > maximumClipPixels)
    throw new MediaError('too_large', 'the clip is too large to decode');
  return { width, height, ...(frames > 1 && { frames }) };
}

/** The last frame first, since reaching it decodes every frame; a clip may open or end in black without being blank. */
async function isBlankClip(path: string, frames: number): Promise<boolean> {
  let blank = true;
  for (const page of [frames - 1, Math.floor(frames / 2)])
    blank &&= await isBlankSample(await sample(path, page));
  return blank;
}

async function sample(path: string, page: number): Promise<PictureSample> {
  return await decoding(samplePicture(path, { page, maximumPixels }));
}

async function decoding<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    // The only two limits sharp reports, and it has no codes for them.
    if (/pixel limit|timeout/i.test(String(error))) {
      throw new MediaError('too_large', 'the picture is too large to decode', { cause: error });
    }
    throw truncated(error);
  }
}

function truncated(cause?: unknown): MediaError {
  return new MediaError('truncated', 'the picture or clip is damaged or ends early', { cause });
}
