import { createHash, randomUUID } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import {
  access,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat as statFile,
  type FileHandle,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { StoredAsset } from '../domain/stored-asset';
import { MediaError } from '../domain/media';
import { AssetNotFound } from '../domain/media';
import { type AssetStore, type ByteRange, type OpenedAsset, type PutOptions } from './asset-store';
import { checkSize } from './check-size';
import { inspectMedia, readMediaFacts, type MediaFacts } from './inspect-media';
import { extensionOf, type MediaType } from './media-type';
import { meterMedia } from './meter-media';

export interface FilesystemAssetStoreOptions {
  /** Made when absent. Several processes may share it. */
  directory: string;
  /** Bytes of one asset. Default 50 MB for a picture, 200 MB for a clip. */
  maxBytes?: { image: number; video: number } | undefined;
}

const defaultMaxBytes = { image: 50e6, video: 200e6 };
/** A write that has not grown for an hour belongs to a process that died. */
const staleAfterMs = 3_600_000;
const assetIdPattern = /^[0-9a-f]{64}$/;
const mediaTypes: readonly MediaType[] = ['image/jpeg', 'image/png', 'image/webp', 'video/mp4'];

/**
 * Assets as files `ab/cd/<sha256>.<extension>` below one directory, without sidecar files: the name says it all. Bytes
 * go to a file of their own first and are renamed into place when they are inspected and on disk, so that a crash at
 * any moment leaves no half asset. Left-over temporary files are swept at the first use.
 */
export function createFilesystemAssetStore(options: FilesystemAssetStoreOptions): AssetStore {
  const directory = resolve(options.directory);
  const temporaryDirectory = join(directory, 'tmp');
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  let preparation: Promise<void> | undefined;

  /** Once per store, but tried again after a failure: a volume may be mounted late. */
  async function prepare(): Promise<void> {
    preparation ??= prepareTemporaryDirectory(temporaryDirectory);
    try {
      await preparation;
    } catch (error) {
      preparation = undefined;
      throw error;
    }
  }

  async function put(stream: Readable, putOptions: PutOptions = {}): Promise<StoredAsset> {
    const temporaryFile = join(temporaryDirectory, `${randomUUID()}.part`);
    // A connection may break before the pipeline listens; without a listener that would end the process.
    stream.on('error', () => undefined);
    try {
      await prepare();
      const { assetId, bytes } = await receive(stream, temporaryFile, { limits: maxBytes, ...putOptions });
      const facts = await inspectMedia(temporaryFile, { allowBlank: putOptions.allowBlank ?? false });
      if (putOptions.expectedSize !== undefined) checkSize(facts, putOptions.expectedSize);
      putOptions.signal?.throwIfAborted();
      await publish(temporaryFile, assetPath(directory, assetId, facts.mediaType));
      return toStoredAsset(assetId, bytes, facts);
    } catch (error) {
      stream.destroy();
      await rm(temporaryFile, { force: true });
      putOptions.signal?.throwIfAborted();
      throw error;
    }
  }

  async function openAsset(assetId: string, range?: ByteRange): Promise<OpenedAsset> {
    const found = await findFile(directory, assetId);
    if (found === undefined) throw new AssetNotFound(assetId);
    const { size } = await found.file.stat();
    return { stream: found.file.createReadStream(range), mediaType: found.mediaType, bytes: size };
  }

  async function stat(assetId: string): Promise<StoredAsset | undefined> {
    const found = await findFile(directory, assetId);
    if (found === undefined) return undefined;
    const { size } = await found.file.stat().finally(() => found.file.close());
    return toStoredAsset(assetId, size, await readMediaFacts(assetPath(directory, assetId, found.mediaType)));
  }

  async function ready(): Promise<void> {
    await prepare();
    await access(temporaryDirectory, constants.W_OK);
  }

  return { put, open: openAsset, stat, ready };
}

interface ReceiveOptions extends PutOptions {
  limits: { image: number; video: number };
}

async function receive(
  stream: Readable,
  temporaryFile: string,
  { signal, expects, maxBytes, limits }: ReceiveOptions,
): Promise<{ assetId: string; bytes: number }> {
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
  const target = createWriteStream(temporaryFile, { flags: 'wx', flush: true });
  // A file that is still being opened would appear after the caller has swept up.
  const closed = new Promise<void>((settle) => target.once('close', () => settle()));
  await pipeline(stream, meter, target, signal === undefined ? {} : { signal }).finally(() => closed);
  if (bytes === 0) throw new MediaError('empty', 'there are no bytes');
  return { assetId: hash.digest('hex'), bytes };
}

async function publish(temporaryFile: string, path: string): Promise<void> {
  const folder = join(path, '..');
  await mkdir(folder, { recursive: true });
  await rename(temporaryFile, path);
  const handle = await open(folder, 'r');
  // Without this the new name itself may be lost in a power cut, after we have promised the asset.
  await handle.sync().finally(() => handle.close());
}

async function findFile(
  directory: string,
  assetId: string,
): Promise<{ file: FileHandle; mediaType: MediaType } | undefined> {
  if (!assetIdPattern.test(assetId)) return undefined;
  for (const mediaType of mediaTypes) {
    const file = await openIfThere(assetPath(directory, assetId, mediaType));
    if (file !== undefined) return { file, mediaType };
  }
  return undefined;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function prepareTemporaryDirectory(temporaryDirectory: string): Promise<void> {
  await mkdir(temporaryDirectory, { recursive: true });
  const files = await readdir(temporaryDirectory);
  await Promise.all(files.map((file) => removeIfStale(join(temporaryDirectory, file))));
}

async function removeIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await statFile(path);
    if (Date.now() - mtimeMs > staleAfterMs) await rm(path, { force: true });
  } catch (error) {
    // Another process finished or swept it between our two looks.
    if (!isMissing(error)) throw error;
  }
}

function assetPath(directory: string, assetId: string, mediaType: MediaType): string {
  return join(directory, assetId.slice(0, 2), assetId.slice(2, 4), `${assetId}.${extensionOf[mediaType]}`);
}

function toStoredAsset(assetId: string, bytes: number, facts: MediaFacts): StoredAsset {
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

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
