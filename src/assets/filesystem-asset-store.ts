import { constants } from 'node:fs';
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
import type { StoredAsset } from '../domain/stored-asset';
import { AssetNotFound } from '../domain/media';
import { type AssetStore, type ByteRange, type OpenedAsset, type PutOptions } from './asset-store';
import { readMediaFacts } from './inspect-media';
import { extensionOf, type MediaType } from './media-type';
import { defaultMaxBytes, receiveMedia, toStoredAsset, type KindLimits } from './receive-media';

export interface FilesystemAssetStoreOptions {
  /** Made when absent. Several processes may share it. */
  directory: string;
  /** Bytes of one asset. Default 50 MB for a picture, 200 MB for a clip. */
  maxBytes?: KindLimits | undefined;
}

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
    return await receiveMedia(
      stream,
      { temporaryDirectory, prepare, limits: maxBytes, isStored, ...putOptions },
      (media) => publish(media.path, assetPath(directory, media.asset.assetId, media.mediaType)),
    );
  }

  async function isStored(assetId: string): Promise<boolean> {
    const found = await findFile(directory, assetId);
    await found?.file.close();
    return found !== undefined;
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
    return toStoredAsset(
      { assetId, bytes: size },
      await readMediaFacts(assetPath(directory, assetId, found.mediaType)),
    );
  }

  async function ready(): Promise<void> {
    await prepare();
    await access(temporaryDirectory, constants.W_OK);
  }

  return { put, open: openAsset, stat, ready };
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

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
