import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { MediaType } from '../media-type';
import { openPicture, type Edit, type PictureFile, type PrivateParts } from './edit';
import { privatePartsOfJpeg } from './jpeg';
import { privatePartsOfPng } from './png';
import { privatePartsOfWebp } from './webp';

const partsOf: Readonly<Partial<Record<MediaType, (file: PictureFile) => Promise<PrivateParts>>>> = {
  'image/jpeg': privatePartsOfJpeg,
  'image/png': privatePartsOfPng,
  'image/webp': privatePartsOfWebp,
};

/**
 * Writes a picture to `target` without what it says of places, devices and people. Pixels are not touched; how it is to
 * be turned, its colours and IPTC's digital source type stay. A picture with a C2PA manifest stays as it is: its
 * signature covers every byte. MP4 is not looked into.
 *
 * @returns whether there was anything to drop; if not, nothing was written
 * @throws MediaError `truncated` when the parts of the file cannot be told apart.
 */
export async function dropPrivateMetadata(
  path: string,
  mediaType: MediaType,
  target: string,
): Promise<boolean> {
  const find = partsOf[mediaType];
  if (find === undefined) return false;
  const file = await open(path, 'r');
  try {
    const picture = await openPicture(file);
    const parts = await find(picture);
    if (parts === 'signed' || parts.length === 0) return false;
    await pipeline(edited(path, parts), createWriteStream(target, { flags: 'wx', flush: true }));
    return true;
  } finally {
    await file.close();
  }
}

async function* edited(path: string, edits: readonly Edit[]): AsyncGenerator<Buffer> {
  let position = 0;
  for (const { start, end, put } of edits) {
    if (start > position) yield* readPart(path, position, start - 1);
    if (put.length > 0) yield put;
    position = end;
  }
  yield* readPart(path, position);
}

async function* readPart(path: string, start: number, end?: number): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { start, end })) yield chunk as Buffer;
}
