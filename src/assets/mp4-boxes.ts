import type { FileHandle } from 'node:fs/promises';

/** One box of an ISO base media file. */
interface Box {
  type: string;
  /** Offset of the first byte after the header. */
  bodyStart: number;
  /** Offset of the first byte after the box. */
  end: number;
}

export interface Mp4Facts {
  /** Every top-level box ends inside the file, and both `moov` and `mdat` are there. */
  complete: boolean;
  width?: number | undefined;
  height?: number | undefined;
}

const headerBytes = 8;
const wideHeaderBytes = 16;
/** A fragmented hour-long film has some thousand boxes; more is nonsense made to keep us busy. */
const maximumBoxes = 20_000;

/**
 * Walks the boxes of an MP4 file without decoding it, which is enough to see that a download ended early.
 *
 * @throws the file system's error when the file cannot be read.
 */
export async function readMp4Facts(file: FileHandle): Promise<Mp4Facts> {
  const { size } = await file.stat();
  const boxes = await listBoxes(file, 0, size);
  const movie = boxes?.find((box) => box.type === 'moov');
  if (boxes === undefined || movie === undefined || !boxes.some((box) => box.type === 'mdat')) {
    return { complete: false };
  }
  return { complete: true, ...(await firstPictureSize(file, movie)) };
}

/** `undefined` when a box claims more bytes than there are. */
async function listBoxes(file: FileHandle, start: number, end: number): Promise<Box[] | undefined> {
  const boxes: Box[] = [];
  let offset = start;
  while (offset < end) {
    const box = await readBox(file, offset, end);
    if (box === undefined || boxes.length === maximumBoxes) return undefined;
    boxes.push(box);
    offset = box.end;
  }
  return boxes;
}

async function readBox(file: FileHandle, offset: number, limit: number): Promise<Box | undefined> {
  const header = await readBytes(file, offset, wideHeaderBytes);
  if (header.length < headerBytes) return undefined;
  const shortSize = header.readUInt32BE(0);
  const wide = shortSize === 1;
  if (wide && header.length < wideHeaderBytes) return undefined;
  // Size 0 means "to the end of the file": such a box cannot be told from a truncated one, but is legal.
  const bytes = wide
    ? Number(header.readBigUInt64BE(headerBytes))
    : shortSize === 0
      ? limit - offset
      : shortSize;
  const bodyStart = offset + (wide ? wideHeaderBytes : headerBytes);
  const end = offset + bytes;
  if (end < bodyStart || end > limit) return undefined;
  return { type: header.toString('latin1', 4, headerBytes), bodyStart, end };
}

/** Display size of the first track that has one: sound tracks say 0 x 0. */
async function firstPictureSize(
  file: FileHandle,
  movie: Box,
): Promise<{ width: number; height: number } | undefined> {
  const tracks = (await listBoxes(file, movie.bodyStart, movie.end)) ?? [];
  for (const track of tracks.filter((box) => box.type === 'trak')) {
    const parts = await listBoxes(file, track.bodyStart, track.end);
    const header = parts?.find((box) => box.type === 'tkhd');
    const size = header === undefined ? undefined : await trackSize(file, header);
    if (size !== undefined) return size;
  }
  return undefined;
}

async function trackSize(
  file: FileHandle,
  header: Box,
): Promise<{ width: number; height: number } | undefined> {
  // Both versions of this box end with width and height as 16.16 fixed-point numbers.
  if (header.end - header.bodyStart < headerBytes) return undefined;
  const tail = await readBytes(file, header.end - headerBytes, headerBytes);
  if (tail.length < headerBytes) return undefined;
  const width = tail.readUInt32BE(0) >>> 16;
  const height = tail.readUInt32BE(4) >>> 16;
  return width > 0 && height > 0 ? { width, height } : undefined;
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
