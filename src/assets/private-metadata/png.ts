import { crc32, inflateSync } from 'node:zlib';
import { malformed, nothing, replaced, type Edit, type PictureFile, type PrivateParts } from './edit';
import { exifHeadBytes, turnOnly } from './exif';
import { marksOnly, namesManifest, xmpBytes } from './xmp';

const signatureBytes = 8;
/** Length, type and checksum around the data of a chunk. */
const frameBytes = 12;
const xmpKeyword = 'XML:com.adobe.xmp\0';

/** Optional chunks that say how the picture looks; a name that begins with a capital is no optional one. */
const neededChunks = new Set([
  ...['tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'cICP', 'mDCV', 'cLLI', 'sBIT', 'bKGD', 'hIST', 'pHYs', 'sPLT'],
  ...['acTL', 'fcTL', 'fdAT'],
]);

interface Chunk {
  type: string;
  start: number;
  end: number;
}

/** All texts, times and unknown chunks; of EXIF and XMP a little stays. What follows the last chunk goes, too. */
export async function privatePartsOfPng(file: PictureFile): Promise<PrivateParts> {
  const edits: Edit[] = [];
  let position = signatureBytes;
  for (;;) {
    const chunk = await readChunk(file, position);
    position = chunk.end;
    if (chunk.type === 'caBX') return 'signed';
    if (chunk.type === 'IEND') {
      if (chunk.end < file.bytes) edits.push({ start: chunk.end, end: file.bytes, put: nothing });
      return edits;
    }
    if (/^[A-Z]/.test(chunk.type) || neededChunks.has(chunk.type)) continue;
    const now = await file.read(chunk.start, Math.min(chunk.end - chunk.start, xmpBytes));
    const data = now.subarray(8, -4);
    const packet = xmpText(chunk.type, data);
    if (packet !== undefined && namesManifest(packet)) return 'signed';
    edits.push(...replaced({ ...chunk, now }, keptOf(chunk.type, data, packet)));
  }
}

function keptOf(type: string, data: Buffer, packet: string | undefined): Buffer {
  if (type === 'eXIf') return chunkOf('eXIf', turnOnly(data.subarray(0, exifHeadBytes)));
  const marks = packet === undefined ? undefined : marksOnly(packet);
  // Not compressed, without a language.
  return chunkOf('iTXt', marks && Buffer.concat([Buffer.from(`${xmpKeyword}\0\0\0\0`, 'latin1'), marks]));
}

async function readChunk(file: PictureFile, start: number): Promise<Chunk> {
  const head = await file.read(start, 8);
  const end = start + frameBytes + head.readUInt32BE(0);
  const type = head.toString('latin1', 4, 8);
  if (end > file.bytes || !/^[A-Za-z]{4}$/.test(type)) throw malformed();
  return { type, start, end };
}

/** The text of an XMP chunk of any of the three kinds; `undefined` for other chunks, and for one that cannot be read. */
function xmpText(type: string, data: Buffer): string | undefined {
  if (!data.subarray(0, xmpKeyword.length).equals(Buffer.from(xmpKeyword, 'latin1'))) return undefined;
  const rest = data.subarray(xmpKeyword.length);
  if (type === 'tEXt') return rest.toString('utf8');
  if (type === 'zTXt') return inflated(rest.subarray(1));
  if (type !== 'iTXt') return undefined;
  // Whether it is compressed, and how; then its language and its translated keyword, each with a 0 behind.
  const afterLanguage = rest.indexOf(0, 2);
  const afterKeyword = afterLanguage === -1 ? -1 : rest.indexOf(0, afterLanguage + 1);
  if (afterKeyword === -1) return undefined;
  const text = rest.subarray(afterKeyword + 1);
  return rest[0] === 1 ? inflated(text) : text.toString('utf8');
}

function inflated(text: Buffer): string | undefined {
  try {
    return inflateSync(text, { maxOutputLength: xmpBytes }).toString('utf8');
  } catch {
    return undefined;
  }
}

function chunkOf(type: string, data: Buffer | undefined): Buffer {
  if (data === undefined) return nothing;
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(content.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  content.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(content), content.length + 4);
  return chunk;
}
