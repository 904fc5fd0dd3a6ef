import { malformed, nothing, replaced, type Edit, type PictureFile, type PrivateParts } from './edit';
import { turnOnly } from './exif';
import { marksOnly, namesManifest } from './xmp';

const startOfImage = 0xd8;
const endOfImage = 0xd9;
const comment = 0xfe;
const exifMark = Buffer.from('Exif\0\0', 'latin1');
const xmpMark = Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1');
const windowBytes = 65_536;

/** What a decoder needs beside the picture itself: by segment, how its content begins. */
const neededApplicationData: Readonly<Record<number, string>> = {
  0xe0: 'JFIF\0',
  0xe2: 'ICC_PROFILE\0',
  0xee: 'Adobe',
};

interface Segment {
  marker: number;
  start: number;
  end: number;
}

/** All application data but what colours need; of EXIF and XMP a little stays. What follows the picture goes, too. */
export async function privatePartsOfJpeg(file: PictureFile): Promise<PrivateParts> {
  const edits: Edit[] = [];
  let isTurned = false;
  let position = 2;
  for (;;) {
    const segment = await nextSegment(file, position);
    if (segment.marker === endOfImage) {
      if (segment.end < file.bytes) edits.push({ start: segment.end, end: file.bytes, put: nothing });
      return edits;
    }
    position = segment.end;
    if ((segment.marker & 0xf0) !== 0xe0 && segment.marker !== comment) continue;
    const now = await file.read(segment.start, segment.end - segment.start);
    const content = now.subarray(4);
    if (isSigned(segment, content)) return 'signed';
    const kept = keptOf(segment, content, isTurned);
    if (kept === 'all') continue;
    isTurned ||= startsWith(content, exifMark) && kept.length > 0;
    edits.push(...replaced({ ...segment, now }, kept));
  }
}

function isSigned({ marker }: Segment, content: Buffer): boolean {
  if (marker === 0xeb) return content.includes('jumb') && content.includes('c2pa');
  return marker === 0xe1 && startsWith(content, xmpMark) && namesManifest(xmpText(content));
}

function keptOf({ marker }: Segment, content: Buffer, isTurned: boolean): Buffer | 'all' {
  const needed = neededApplicationData[marker];
  if (needed !== undefined && startsWith(content, Buffer.from(needed, 'latin1'))) return 'all';
  if (marker !== 0xe1) return nothing;
  if (startsWith(content, exifMark)) {
    return isTurned ? nothing : segmentOf(exifMark, turnOnly(content.subarray(exifMark.length)));
  }
  return startsWith(content, xmpMark) ? segmentOf(xmpMark, marksOnly(xmpText(content))) : nothing;
}

function xmpText(content: Buffer): string {
  return content.toString('utf8', xmpMark.length);
}

function segmentOf(mark: Buffer, body: Buffer | undefined): Buffer {
  if (body === undefined) return nothing;
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(2 + mark.length + body.length, 2);
  return Buffer.concat([head, mark, body]);
}

function startsWith(content: Buffer, mark: Buffer): boolean {
  return content.subarray(0, mark.length).equals(mark);
}

/** The next marker with its segment; picture data before it is passed over. */
async function nextSegment(file: PictureFile, from: number): Promise<Segment> {
  const { marker, start } = await nextMarker(file, from);
  const isBare = marker === endOfImage || marker === startOfImage;
  const length = isBare ? 0 : (await file.read(start + 2, 2)).readUInt16BE();
  const end = start + 2 + length;
  if (end > file.bytes || (!isBare && length < 2)) throw malformed();
  return { marker, start, end };
}

async function nextMarker(file: PictureFile, from: number): Promise<{ marker: number; start: number }> {
  for (let windowStart = from; windowStart + 1 < file.bytes; windowStart += windowBytes - 1) {
    const window = await file.read(windowStart, Math.min(windowBytes, file.bytes - windowStart));
    for (
      let at = window.indexOf(0xff);
      at !== -1 && at + 1 < window.length;
      at = window.indexOf(0xff, at + 1)
    ) {
      const marker = window[at + 1] ?? 0;
      if (isMarker(marker)) return { marker, start: windowStart + at };
    }
  }
  throw malformed();
}

/** Picture data holds 0xff too: followed by 0, by a restart mark, or by another one as filling. */
function isMarker(code: number): boolean {
  return code !== 0x00 && code !== 0x01 && code !== 0xff && (code < 0xd0 || code > 0xd7);
}
