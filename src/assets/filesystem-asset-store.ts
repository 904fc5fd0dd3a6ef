import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { StoredAsset } from '../domain/stored-asset';
import { AssetNotFound } from '../domain/media';
import {
  assetIdPattern,
  thumbnailSizes,
  type AssetFile,
  type AssetStore,
  type ByteRange,
  type OpenedAsset,
  type PutOptions,
} from './asset-store';
import { readMediaFacts } from './inspect-media';
import { extensionOf, mediaTypes, type MediaType } from './media-type';
import { defaultMaxBytes, receiveMedia, toStoredAsset, type KindLimits } from './receive-media';
import { preparedOnce } from './temporary-directory';

export interface FilesystemAssetStoreOptions {
  /** Made when absent. Several processes may share it. */
  directory: string;
  /** Bytes of one asset. Default 50 MB for a picture, 200 MB for a clip. */
  maxBytes?: KindLimits | undefined;
}

/**
 * Assets as files `ab/cd/<sha256>.<extension>` below one directory, without sidecar files: the name says it all. Bytes
 * go to a file of their own first and are renamed into place when they are inspected and on disk, so that a crash at
 * any moment leaves no half asset. Left-over temporary files are swept at the first use.
 */
export function createFilesystemAssetStore(options: FilesystemAssetStoreOptions): AssetStore {
  const directory = resolve(options.directory);
  const temporaryDirectory = join(directory, 'tmp');
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  const prepare = preparedOnce(temporaryDirectory);
  async function put(stream: Readable, putOptions: PutOptions = {}): Promise<StoredAsset> {
    return await receiveMedia(
      stream,
      { temporaryDirectory, prepare, limits: maxBytes, find: findAsset, ...putOptions },
      (media) => publish(media.path, assetPath(directory, media.asset.assetId, media.mediaType)),
    );
  }

  async function findAsset(assetId: string): Promise<AssetFile | undefined> {
    const found = await findFile(directory, assetId);
    if (found === undefined) return undefined;
    const { size } = await found.file.stat().finally(() => found.file.close());
    return { mediaType: found.mediaType, bytes: size };
  }

  async function openAsset(assetId: string, range?: ByteRange): Promise<OpenedAsset> {
    const found = await findFile(directory, assetId);
    if (found === undefined) throw new AssetNotFound(assetId);
    const { size } = await found.file.stat();
    return { stream: found.file.createReadStream(range), mediaType: found.mediaType, bytes: size };
  }

  async function stat(assetId: string): Promise<StoredAsset | undefined> {
    const found = await findAsset(assetId);
    if (found === undefined) return undefined;
    const { bytes, mediaType } = found;
    return toStoredAsset({ assetId, bytes }, await readMediaFacts(assetPath(directory, assetId, mediaType)));
  }

  async function putThumbnail(assetId: string, width: number, bytes: Buffer): Promise<void> {
    await prepare();
    const temporaryFile = join(temporaryDirectory, `${randomUUID()}.part`);
    await writeFile(temporaryFile, bytes, { flush: true });
    await publish(temporaryFile, thumbnailPath(directory, assetId, width));
  }

  async function openThumbnail(assetId: string, width: number): Promise<OpenedAsset | undefined> {
    if (!assetIdPattern.test(assetId)) return undefined;
    const file = await openIfThere(thumbnailPath(directory, assetId, width));
    if (file === undefined) return undefined;
    const { size } = await file.stat();
    return { stream: file.createReadStream(), mediaType: 'image/webp', bytes: size };
  }

  async function remove(assetId: string): Promise<void> {
    if (!assetIdPattern.test(assetId)) return;
    const paths = [
      ...mediaTypes.map((mediaType) => assetPath(directory, assetId, mediaType)),
      ...thumbnailSizes.map((size) => thumbnailPath(directory, assetId, size)),
    ];
    for (const path of paths) await rm(path, { force: true });
  }

  async function ready(): Promise<void> {
    await prepare();
    await access(temporaryDirectory, constants.W_OK);
  }

  return { put, open: openAsset, find: findAsset, stat, putThumbnail, openThumbnail, remove, ready };
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

function assetPath(directory: string, assetId: string, mediaType: MediaType): string {
  return join(directory, assetId.slice(0, 2), assetId.slice(2, 4), `${assetId}.${extensionOf[mediaType]}`);
}

function thumbnailPath(directory: string, assetId: string, width: number): string {
  return join(directory, 'thumbnails', assetId.slice(0, 2), `${assetId}-${String(width)}.webp`);
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
