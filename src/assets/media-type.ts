/** The media the store accepts, decided by magic bytes and by nothing else. */
export type MediaType = 'image/jpeg' | 'image/png' | 'image/webp' | 'video/mp4';

/** Ending of a stored file: with it the media type is known without the database. */
export const extensionOf: Readonly<Record<MediaType, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'video/mp4': 'mp4',
};

export const mediaTypes: readonly MediaType[] = ['image/jpeg', 'image/png', 'image/webp', 'video/mp4'];

export interface MediaSignature {
  mediaType: MediaType;
  /** An animated WebP is a `video`: it is what the Wan endpoints answer with. */
  kind: 'image' | 'video';
}

/** Bytes `readSignature` needs to see; a shorter file is decided by what it has. */
export const signatureBytes = 32;

/**
 * Major brands of MP4 files. An allow-list, because AVIF, HEIC and QuickTime open with the same `ftyp` box.
 */
const mp4Brands: ReadonlySet<string> = new Set([
  ...['isom', 'iso2', 'iso3', 'iso4', 'iso5', 'iso6', 'iso7', 'iso8', 'iso9'],
  ...['mp41', 'mp42', 'mp4v', 'avc1', 'dash', 'MSNV', 'M4V ', 'M4VH', 'M4VP', 'f4v '],
]);

/** VP8X feature bit of the WebP container. */
const webpAnimationFlag = 0x02;

/** Reads the first bytes of a file; `undefined` for everything that is not JPEG, PNG, WebP or MP4. */
export function readSignature(head: Buffer): MediaSignature | undefined {
  if (startsWith(head, [0xff, 0xd8, 0xff])) return { mediaType: 'image/jpeg', kind: 'image' };
  if (startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) {
    return { mediaType: 'image/png', kind: 'image' };
  }
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') {
    const animated = ascii(head, 12, 16) === 'VP8X' && ((head[20] ?? 0) & webpAnimationFlag) !== 0;
    return { mediaType: 'image/webp', kind: animated ? 'video' : 'image' };
  }
  if (ascii(head, 4, 8) === 'ftyp' && mp4Brands.has(ascii(head, 8, 12))) {
    return { mediaType: 'video/mp4', kind: 'video' };
  }
  return undefined;
}

function startsWith(head: Buffer, bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => head[index] === byte);
}

function ascii(head: Buffer, start: number, end: number): string {
  return head.toString('latin1', start, end);
}
