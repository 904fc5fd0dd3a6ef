import { malformed, nothing, replaced, type Edit, type PictureFile, type PrivateParts } from './edit';
import { exifHeadBytes, turnOnly } from './exif';
import { marksOnly, namesManifest, xmpBytes } from './xmp';

const riffHeaderBytes = 12;
const chunkHeaderBytes = 8;
/** Bits of the `VP8X` chunk that announce the two. */
const exifFlag = 0x08;
const xmpFlag = 0x04;

const neededChunks = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);

interface Chunk {
  type: string;
  start: number;
  /** Its filling byte included. */
  end: number;
  dataBytes: number;
}

/** All unknown chunks; of EXIF and XMP a little stays. What follows the container goes, too. */
export async function privatePartsOfWebp(file: PictureFile): Promise<PrivateParts> {
  const riffEnd = chunkHeaderBytes + (await file.read(4, 4)).readUInt32LE();
  if (riffEnd > file.bytes) throw malformed();
  const edits: Edit[] = [];
  let flags = 0;
  let extended: Chunk | undefined;
  for (let position = riffHeaderBytes; position < riffEnd;) {
    const chunk = await readChunk(file, position, riffEnd);
    position = chunk.end;
    if (chunk.type === 'C2PA') return 'signed';
    if (chunk.type === 'VP8X') extended = chunk;
    if (neededChunks.has(chunk.type)) continue;
    const now = await file.read(chunk.start, Math.min(chunk.end - chunk.start, xmpBytes));
    const data = now.subarray(chunkHeaderBytes, chunkHeaderBytes + chunk.dataBytes);
    const packet = chunk.type === 'XMP ' ? data.toString('utf8') : undefined;
    if (packet !== undefined && namesManifest(packet)) return 'signed';
    const kept = keptOf(chunk.type, data, packet);
    if (kept.length > 0) flags |= chunk.type === 'EXIF' ? exifFlag : xmpFlag;
    edits.push(...replaced({ ...chunk, now }, kept));
  }
  if (riffEnd < file.bytes) edits.push({ start: riffEnd, end: file.bytes, put: nothing });
  return edits.length === 0
    ? edits
    : [...(await headerEdits(file, { edits, riffEnd, extended, flags })), ...edits];
}

function keptOf(type: string, data: Buffer, packet: string | undefined): Buffer {
  if (type === 'EXIF') return chunkOf(type, turnOnly(withoutMark(data).subarray(0, exifHeadBytes)));
  return chunkOf(type, packet === undefined ? undefined : marksOnly(packet));
}

/** Some writers put JPEG's mark before the block. */
function withoutMark(data: Buffer): Buffer {
  return data.toString('latin1', 0, 6) === 'Exif\0\0' ? data.subarray(6) : data;
}

async function readChunk(file: PictureFile, start: number, limit: number): Promise<Chunk> {
  const head = await file.read(start, chunkHeaderBytes);
  const dataBytes = head.readUInt32LE(4);
  const unfilledEnd = start + chunkHeaderBytes + dataBytes;
  if (unfilledEnd > limit) throw malformed();
  // A last chunk without its filling byte is common.
  const end = Math.min(limit, unfilledEnd + (dataBytes % 2));
  return { type: head.toString('latin1', 0, 4), start, end, dataBytes };
}

/** The container says how long it is, and what it holds. */
async function headerEdits(
  file: PictureFile,
  parts: { edits: readonly Edit[]; riffEnd: number; extended: Chunk | undefined; flags: number },
): Promise<Edit[]> {
  const { edits, riffEnd, extended, flags } = parts;
  const inside = edits.filter(({ start }) => start < riffEnd);
  const grown = inside.reduce((sum, { start, end, put }) => sum + put.length - (end - start), 0);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(riffEnd - chunkHeaderBytes + grown);
  const lengthEdit = { start: 4, end: 8, put: length };
  if (extended === undefined) return [lengthEdit];
  const flagsAt = extended.start + chunkHeaderBytes;
  const [now = 0] = await file.read(flagsAt, 1);
  const put = Buffer.from([(now & ~(exifFlag | xmpFlag)) | flags]);
  return [lengthEdit, { start: flagsAt, end: flagsAt + 1, put }];
}

function chunkOf(type: string, data: Buffer | undefined): Buffer {
  if (data === undefined) return nothing;
  const head = Buffer.alloc(chunkHeaderBytes);
  head.write(type, 0, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}
