import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import type { StoredAsset } from '../../../src/domain/stored-asset';
import { AssetNotFound, MediaError } from '../../../src/domain/media';
import type { MediaStore } from '../../../src/domain/media';

/** A media store in memory that judges bytes as the real one does, for tests of provider clients. */
export class MemoryMediaStore implements MediaStore {
  /** Saved by `generate`, in order. */
  readonly saved: (StoredAsset & { content: Buffer })[] = [];
  private readonly inputs = new Map<string, { content: Buffer; mediaType: string }>();

  constructor(private readonly options: { maxBytes: number } = { maxBytes: 20_000_000 }) {}

  /** Puts an input picture in; returns its asset id. */
  add(content: Buffer, mediaType: string): string {
    const assetId = createHash('sha256').update(content).digest('hex');
    this.inputs.set(assetId, { content, mediaType });
    return assetId;
  }

  open(assetId: string): Promise<{ stream: Readable; mediaType: string; bytes: number }> {
    const input = this.inputs.get(assetId);
    if (input === undefined) {
      return Promise.reject(new AssetNotFound(assetId));
    }
    const { content, mediaType } = input;
    return Promise.resolve({ stream: Readable.from([content]), mediaType, bytes: content.length });
  }

  async save(
    stream: Readable,
    options: { signal: AbortSignal; expects: 'image' | 'video' },
  ): Promise<StoredAsset> {
    const content = await this.readAll(stream);
    options.signal.throwIfAborted();
    const asset = await inspect(content, options.expects);
    this.saved.push({ ...asset, content });
    return asset;
  }

  private async readAll(stream: Readable): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > this.options.maxBytes) throw new MediaError('too_large', 'too many bytes');
    }
    return Buffer.concat(chunks);
  }
}

async function inspect(content: Buffer, expects: 'image' | 'video'): Promise<StoredAsset> {
  if (content.length === 0) throw new MediaError('empty', 'no bytes');
  const assetId = createHash('sha256').update(content).digest('hex');
  if (content.subarray(4, 8).toString('latin1') === 'ftyp') {
    if (expects === 'image') throw new MediaError('wrong_kind', 'a clip');
    return { assetId, mediaType: 'video/mp4', bytes: content.length };
  }
  const mediaType = pictureType(content);
  const picture = sharp(content, { failOn: 'warning' });
  const { width, height, pages } = await picture.metadata().catch(truncated);
  const { channels } = await picture.stats().catch(truncated);
  if ((pages ?? 1) > 1 !== (expects === 'video'))
    throw new MediaError('wrong_kind', 'not what was asked for');
  if (channels.every(({ stdev }) => stdev < 1)) throw new MediaError('blank', 'one colour');
  return {
    assetId,
    mediaType,
    bytes: content.length,
    width,
    height,
    ...(pages !== undefined && { frames: pages }),
  };
}

function pictureType(content: Buffer): string {
  const isPng = content.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'));
  if (isPng) return wholeIf(content.subarray(-8, -4).toString('latin1') === 'IEND', 'image/png');
  const isJpeg = content.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'));
  if (isJpeg) return wholeIf(content.subarray(-2).equals(Buffer.from('ffd9', 'hex')), 'image/jpeg');
  if (content.subarray(8, 12).toString('latin1') !== 'WEBP')
    throw new MediaError('not_media', 'no known media');
  return wholeIf(content.readUInt32LE(4) + 8 <= content.length, 'image/webp');
}

function wholeIf(isWhole: boolean, mediaType: string): string {
  if (!isWhole) throw new MediaError('truncated', 'the end is missing');
  return mediaType;
}

function truncated(cause: unknown): never {
  throw new MediaError('truncated', 'cannot be decoded', { cause });
}
