import type { FileHandle } from 'node:fs/promises';
import { MediaError } from '../../domain/media';

/** The bytes from `start` up to `end`, that one not included, become `put`. Edits stand in order and do not overlap. */
export interface Edit {
  start: number;
  end: number;
  put: Buffer;
}

/** What a picture needs to lose; or that it carries a signature over its bytes, which any edit would break. */
export type PrivateParts = 'signed' | Edit[];

/** A picture on disk, read piece by piece: an upload may have 50 MB. */
export interface PictureFile {
  bytes: number;
  /** @throws MediaError `truncated` where the file has fewer bytes. */
  read(position: number, length: number): Promise<Buffer>;
}

export async function openPicture(file: FileHandle): Promise<PictureFile> {
  const { size } = await file.stat();
  return {
    bytes: size,
    async read(position, length) {
      if (position + length > size) throw malformed();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      if (bytesRead < length) throw malformed();
      return buffer;
    },
  };
}

/** Nothing in a file whose parts cannot be told apart is known to be harmless. */
export function malformed(): MediaError {
  return new MediaError('truncated', 'the picture or clip is damaged or ends early');
}

export const nothing = Buffer.alloc(0);

/** No edit where the part is already what it should be. */
export function replaced(part: { start: number; end: number; now: Buffer }, put: Buffer): Edit[] {
  return part.now.equals(put) ? [] : [{ start: part.start, end: part.end, put }];
}
