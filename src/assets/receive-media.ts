import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MediaError } from '../domain/media';
import type { StoredAsset } from '../domain/stored-asset';
import type { AssetFile, PutOptions } from './asset-store';
import { checkSize } from './check-size';
import { inspectMedia, type MediaFacts } from './inspect-media';
import { readSignature, signatureBytes, type MediaType } from './media-type';
import { meterMedia } from './meter-media';
import { dropPrivateMetadata } from './private-metadata/drop-private-metadata';

/** Bytes, by kind. */
export interface KindLimits {
  image: number;
  video: number;
}

export const defaultMaxBytes: KindLimits = { image: 50e6, video: 200e6 };

export interface ReceiveOptions extends PutOptions {
  temporaryDirectory: string;
  /** Makes sure of that directory. */
  prepare: () => Promise<void>;
  limits: KindLimits;
  find: (assetId: string) => Promise<AssetFile | undefined>;
}

/** A whole, inspected file that nobody can see yet. */
export interface ReceivedMedia {
  /** Gone after `publish`, moved or not. */
  path: string;
  asset: StoredAsset;
  mediaType: MediaType;
}

/**
 * What every store does before it shows an asset: streams the bytes to a file of their own, and inspects it there.
 * `publish` then gives it its name. Nothing is left behind, however it ends.
 *
 * @throws what `AssetStore.put` throws.
 */
export async function receiveMedia(
  stream: Readable,
  options: ReceiveOptions,
  publish: (media: ReceivedMedia) => Promise<void>,
): Promise<StoredAsset> {
  const { temporaryDirectory, prepare, signal } = options;
  const received = join(temporaryDirectory, `${randomUUID()}.part`);
  const cleaned = join(temporaryDirectory, `${randomUUID()}.part`);
  // A connection may break before the pipeline listens; without a listener that would end the process.
  stream.on('error', () => undefined);
  try {
    await prepare();
    let file = await receive(stream, received, options);
    if (options.dropPrivate === true) file = await clean(file, cleaned, options);
    const facts = await inspectMedia(file.path, { allowBlank: options.allowBlank ?? false });
    if (options.expectedSize !== undefined) checkSize(facts, options.expectedSize);
    signal?.throwIfAborted();
    const asset = toStoredAsset(file, facts);
    await publish({ path: file.path, asset, mediaType: facts.mediaType });
    return asset;
  } catch (error) {
    stream.destroy();
    signal?.throwIfAborted();
    throw error;
  } finally {
    await Promise.all([received, cleaned].map((path) => rm(path, { force: true })));
  }
}

export function toStoredAsset(
  { assetId, bytes }: Pick<StoredAsset, 'assetId' | 'bytes'>,
  facts: MediaFacts,
): StoredAsset {
  const { mediaType, width, height, frames, perceptualHash } = facts;
  return {
    assetId,
    mediaType,
    bytes,
    width,
    height,
    frames,
    ...(perceptualHash !== undefined && { perceptualHash }),
  };
}

interface HashedFile {
  path: string;
  assetId: string;
  bytes: number;
}

async function receive(
  stream: Readable,
  path: string,
  { signal, expects, maxBytes, limits }: ReceiveOptions,
): Promise<HashedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = meterMedia({
    expects,
    maxBytes: maxBytes === undefined ? limits : { image: maxBytes, video: maxBytes },
    onChunk(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
    },
  });
  // `flush` syncs the file to the disk before it closes: a rename may only publish what is there.
  const target = createWriteStream(path, { flags: 'wx', flush: true });
  // A file that is still being opened would appear after the caller has swept up.
  const closed = new Promise<void>((settle) => target.once('close', () => settle()));
  await pipeline(stream, meter, target, signal === undefined ? {} : { signal }).finally(() => closed);
  if (bytes === 0) throw new MediaError('empty', 'there are no bytes');
  return { path, assetId: hash.digest('hex'), bytes };
}

/** A picture made here that comes back is the same asset: what is known of it, such as NSFW, must not be shaken off. */
async function clean(file: HashedFile, target: string, options: ReceiveOptions): Promise<HashedFile> {
  if ((await options.find(file.assetId)) !== undefined) return file;
  const mediaType = await mediaTypeOf(file.path);
  if (mediaType === undefined || !(await dropPrivateMetadata(file.path, mediaType, target))) return file;
  const hash = createHash('sha256');
  await pipeline(createReadStream(target), hash);
  return { path: target, assetId: hash.digest('hex'), bytes: (await stat(target)).size };
}

async function mediaTypeOf(path: string): Promise<MediaType | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(signatureBytes), 0, signatureBytes, 0);
    return readSignature(buffer.subarray(0, bytesRead))?.mediaType;
  } finally {
    await file.close();
  }
}
