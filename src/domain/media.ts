import type { Readable } from 'node:stream';
import type { StoredAsset } from './stored-asset';

/** The asset store as a provider sees it. */
export interface MediaStore {
  /** @throws AssetNotFound */
  open(assetId: string): Promise<{ stream: Readable; mediaType: string; bytes: number }>;
  /**
   * Streams a picture or clip into the store and inspects it.
   * The media type is decided by magic bytes, never by a header.
   *
   * @throws MediaError when the bytes are empty, no known media, truncated, blank, too many or of the wrong size.
   */
  save(stream: Readable, options: SaveOptions): Promise<StoredAsset>;
}

export interface SaveOptions {
  signal: AbortSignal;
  expects: 'image' | 'video';
  /** Default: any size. */
  expectedSize?: PixelSize | undefined;
}

export interface PixelSize {
  width: number;
  height: number;
}

/** Thrown when there is no asset of that id. */
export class AssetNotFound extends Error {
  override readonly name = 'AssetNotFound';

  constructor(readonly assetId: string) {
    super('there is no asset with this id');
  }
}

export const mediaProblems = [
  'empty',
  'not_media',
  'truncated',
  'blank',
  'too_large',
  'wrong_kind',
  'wrong_size',
  'unavailable',
] as const;
export type MediaProblem = (typeof mediaProblems)[number];

/** Thrown by the media store when what arrived is no usable picture or clip. */
export class MediaError extends Error {
  readonly problem: MediaProblem;

  constructor(problem: MediaProblem, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MediaError';
    this.problem = problem;
  }
}
