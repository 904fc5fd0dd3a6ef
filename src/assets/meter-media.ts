import { MediaError } from '../domain/media';
import { readSignature, signatureBytes, type MediaSignature } from './media-type';

export interface MeterOptions {
  expects?: 'image' | 'video' | undefined;
  /** Bytes, by kind. */
  maxBytes: { image: number; video: number };
  onChunk(chunk: Buffer): void;
}

/**
 * A stage of a stream pipeline that lets media pass and stops everything else as early as it can be told: after the
 * first bytes, or at the byte that is one too many. An endless login page costs us one chunk.
 *
 * Its stream throws MediaError `not_media`, `wrong_kind` or `too_large`.
 */
export function meterMedia(options: MeterOptions): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* meter(source) {
    let head = Buffer.alloc(0);
    let limit: number | undefined;
    let bytes = 0;
    for await (const chunk of source) {
      if (limit === undefined) {
        head = Buffer.concat([head, chunk.subarray(0, signatureBytes)]);
        if (head.length >= signatureBytes) limit = limitFor(head, options);
      }
      bytes += chunk.length;
      if (limit !== undefined && bytes > limit) throw tooLarge(limit);
      options.onChunk(chunk);
      yield chunk;
    }
    // Too short for a full signature: the few bytes there are still have to be media.
    if (limit === undefined && bytes > 0) limitFor(head, options);
  };
}

function limitFor(head: Buffer, { expects, maxBytes }: MeterOptions): number {
  const signature = readSignature(head);
  if (signature === undefined) throw new MediaError('not_media', 'the bytes are no JPEG, PNG, WebP or MP4');
  if (expects !== undefined && signature.kind !== expects) throw wrongKind(signature, expects);
  return maxBytes[signature.kind];
}

function wrongKind(signature: MediaSignature, expects: 'image' | 'video'): MediaError {
  const found = signature.kind === 'video' ? 'a clip' : 'a still picture';
  const asked = expects === 'video' ? 'a clip' : 'a still picture';
  return new MediaError('wrong_kind', `${found} (${signature.mediaType}) came where ${asked} was expected`);
}

function tooLarge(limit: number): MediaError {
  return new MediaError('too_large', `more than ${String(limit)} bytes`);
}
