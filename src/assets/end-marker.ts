import type { FileHandle } from 'node:fs/promises';
import type { MediaType } from './media-type';

const jpegEndOfImage = Buffer.from([0xff, 0xd9]);
/** Type and checksum of the last PNG chunk, which is always empty. */
const pngEnd = Buffer.from([0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]);
const riffHeaderBytes = 8;
const scanBytes = 64 * 1024;

/**
 * Whether a picture reaches its format's own end: a connection that broke without an error leaves a file that many
 * decoders still show, grey at the bottom. Bytes after the end are allowed, because cameras append some.
 *
 * @throws the file system's error when the file cannot be read.
 */
export async function hasEndMarker(file: FileHandle, mediaType: MediaType): Promise<boolean> {
  if (mediaType === 'image/jpeg') return await containsFromEnd(file, jpegEndOfImage);
  if (mediaType === 'image/png') return await containsFromEnd(file, pngEnd);
  return mediaType !== 'image/webp' || (await holdsWholeRiff(file));
}

async function holdsWholeRiff(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(riffHeaderBytes), 0, riffHeaderBytes, 0);
  return bytesRead === riffHeaderBytes && size >= riffHeaderBytes + buffer.readUInt32LE(4);
}

async function containsFromEnd(file: FileHandle, marker: Buffer): Promise<boolean> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(scanBytes);
  // Windows overlap by the marker's length, or a marker across a border would be missed.
  const step = scanBytes - marker.length + 1;
  for (let end = size; end > 0; end -= step) {
    const start = Math.max(0, end - scanBytes);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    if (buffer.subarray(0, bytesRead).includes(marker)) return true;
  }
  return false;
}
