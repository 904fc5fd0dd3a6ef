import { canonicalJson, sha256 } from '../pictures/fingerprint';

/** Bytes behind a URL of the provider's own file storage. */
export type ResolveFile = (url: string) => { bytes: Buffer; contentType: string } | undefined;

/** An input picture as the journal shows it. */
export interface PictureNote {
  mediaType: string | undefined;
  sha256: string;
  bytes: number;
}

/** Longer strings that are pure base64 are taken for pictures; no prompt looks like that. */
const shortestPicture = 256;

/** The body with every input picture replaced by its hash and size, and the hash of that. */
export function describeBody(
  body: unknown,
  resolveFile: ResolveFile = () => undefined,
): { body: unknown; bodyHash: string } {
  const described = replacePictures(body, resolveFile);
  return { body: described, bodyHash: sha256(canonicalJson(described)) };
}

/** Bytes of a `data:` URL, or `undefined` when the text is none. */
export function decodeDataUrl(text: string): { bytes: Buffer; mediaType: string } | undefined {
  const found = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,/.exec(text);
  if (found === null) return undefined;
  return { bytes: Buffer.from(text.slice(found[0].length), 'base64'), mediaType: found[1] ?? 'text/plain' };
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function replacePictures(value: unknown, resolveFile: ResolveFile): unknown {
  if (typeof value === 'string') return pictureNote(value, resolveFile) ?? value;
  if (Array.isArray(value)) return value.map((item) => replacePictures(item, resolveFile));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, replacePictures(inner, resolveFile)]),
  );
}

function pictureNote(text: string, resolveFile: ResolveFile): PictureNote | undefined {
  const inline = decodeDataUrl(text);
  if (inline !== undefined) return note(inline.bytes, inline.mediaType);
  const file = text.startsWith('http') ? resolveFile(text) : undefined;
  if (file !== undefined) return note(file.bytes, file.contentType);
  if (text.length < shortestPicture || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return note(Buffer.from(text, 'base64'), undefined);
}

function note(bytes: Buffer, mediaType: string | undefined): PictureNote {
  return { mediaType, sha256: sha256(bytes), bytes: bytes.length };
}
