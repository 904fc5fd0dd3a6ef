import type { Readable } from 'node:stream';
import type { StoredAsset } from '../domain/stored-asset';
import type { PixelSize } from '../domain/media';
import type { MediaType } from './media-type';

/**
 * Where pictures and clips live. Content-addressed: an asset id is the SHA-256 of the bytes in lower-case hex, so the
 * same bytes always have the same id and an asset never changes.
 */
export interface AssetStore {
  /**
   * Streams bytes in and inspects them before the asset can be seen by anyone. Storing the same bytes again, also at
   * the same time, is no error. The stream is always consumed or destroyed.
   *
   * @throws MediaError when the bytes are no usable picture or clip.
   * @throws the signal's own reason after an abort, and the stream's own error when it breaks.
   */
  put(stream: Readable, options?: PutOptions): Promise<StoredAsset>;

  /**
   * The caller must read the stream to its end or destroy it.
   *
   * @param range the only bytes to read. Default: all of them.
   * @throws AssetNotFound also for ids that are no asset ids at all.
   */
  open(assetId: string, range?: ByteRange): Promise<OpenedAsset>;

  /**
   * What `put` once answered, read again from the file but for the perceptual hash, which needs the picture decoded;
   * `undefined` when there is no such asset.
   */
  stat(assetId: string): Promise<StoredAsset | undefined>;

  /** Says as much as can be told without reading the asset; `undefined` when there is none of this id. */
  find(assetId: string): Promise<AssetFile | undefined>;

  /** Keeps a small WebP of an asset beside it; another one of this width is replaced. */
  putThumbnail(assetId: string, width: number, bytes: Buffer): Promise<void>;

  /** `undefined` until one of this width was put. */
  openThumbnail(assetId: string, width: number): Promise<OpenedAsset | undefined>;

  /** Takes the bytes and the thumbnails away; what is not there is gone already. */
  remove(assetId: string): Promise<void>;

  /** Resolves when assets can be written; rejects with the reason when they cannot. */
  ready(): Promise<void>;
}

export interface PutOptions {
  signal?: AbortSignal | undefined;
  /** Anything else is a `wrong_kind` MediaError. Default: both are welcome. An animated WebP is a video. */
  expects?: 'image' | 'video' | undefined;
  /** Bytes. Default: the store's limit for that kind. */
  maxBytes?: number | undefined;
  /** Pixels; a picture that is clearly smaller or of another shape is a `wrong_size` MediaError. Default: any size. */
  expectedSize?: PixelSize | undefined;
  /** Accept pictures of one single colour, as masks may be. Default false. */
  allowBlank?: boolean | undefined;
  /**
   * For what people send: places, devices and names are dropped before the bytes are named. Bytes that are stored
   * already stay the asset they are. Default false: what a provider made is kept to the byte.
   */
  dropPrivate?: boolean | undefined;
}

/** Positions from 0, both ends included, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface AssetFile {
  mediaType: MediaType;
  /** Of the whole asset, also where only a part is read. */
  bytes: number;
}

export interface OpenedAsset extends AssetFile {
  stream: Readable;
}

/** Pixels of the longer side. */
export const thumbnailSizes = [160, 320, 640] as const;
export type ThumbnailSize = (typeof thumbnailSizes)[number];

/** Whatever is no SHA-256 in lower-case hex is no asset, and never part of a path. */
export const assetIdPattern = /^[0-9a-f]{64}$/;
