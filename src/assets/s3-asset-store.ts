import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AssetNotFound } from '../domain/media';
import type { StoredAsset } from '../domain/stored-asset';
import {
  assetIdPattern,
  thumbnailSizes,
  type AssetFile,
  type AssetStore,
  type ByteRange,
  type OpenedAsset,
  type PutOptions,
} from './asset-store';
import { AssetsUnavailable } from './assets-unavailable';
import { mediaTypes, type MediaType } from './media-type';
import { defaultMaxBytes, receiveMedia, type KindLimits, type ReceivedMedia } from './receive-media';
import { preparedOnce } from './temporary-directory';

export interface S3AssetStoreOptions {
  bucket: string;
  /** Left out: AWS itself, by region. */
  endpoint?: string | undefined;
  region: string;
  /** The bucket in the path instead of the host name, as most servers beside AWS want it. */
  forcePathStyle: boolean;
  /** Where uploads wait until they are inspected. Default: a folder of the system's for temporary files. */
  temporaryDirectory?: string | undefined;
  /** Bytes of one asset. Default 50 MB for a picture, 200 MB for a clip. */
  maxBytes?: KindLimits | undefined;
  /** Default 30 s without a byte of the server's. */
  silenceMs?: number | undefined;
}

/** Once more for a hiccup; Temporal repeats what takes longer, and callers get a 503 at once. */
const attempts = 2;
const connectionMs = 5_000;
const defaultSilenceMs = 30_000;
const partBytes = 8 * 1024 * 1024;

/**
 * Assets as objects `assets/<sha256>` of one bucket, of any server that speaks S3. Size and frames stand in the object's
 * metadata. Bytes are inspected in a file of this machine first, and an object is there whole or not at all. Credentials
 * are the SDK's own affair.
 *
 * Every method throws AssetsUnavailable when the server cannot be asked, or refuses.
 */
export function createS3AssetStore(options: S3AssetStoreOptions): AssetStore {
  const { bucket, endpoint, region, forcePathStyle, maxBytes = defaultMaxBytes } = options;
  const { temporaryDirectory = join(tmpdir(), 'ryla-generation-uploads') } = options;
  const { silenceMs = defaultSilenceMs } = options;
  const prepare = preparedOnce(temporaryDirectory);
  const client = new S3Client({
    region,
    forcePathStyle,
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: connectionMs,
      requestTimeout: silenceMs,
      throwOnRequestTimeout: true,
    },
    ...(endpoint !== undefined && { endpoint }),
  });

  async function put(stream: Readable, putOptions: PutOptions = {}): Promise<StoredAsset> {
    const limits = maxBytes;
    return await receiveMedia(stream, { temporaryDirectory, prepare, limits, find, ...putOptions }, (media) =>
      publish(media, putOptions.signal),
    );
  }

  async function publish(media: ReceivedMedia, signal: AbortSignal | undefined): Promise<void> {
    const { assetId } = media.asset;
    // The same name is the same bytes.
    if ((await find(assetId)) !== undefined) return;
    const upload = new Upload({
      client,
      partSize: partBytes,
      queueSize: 2,
      params: {
        Bucket: bucket,
        Key: assetKey(assetId),
        Body: createReadStream(media.path),
        ContentType: media.mediaType,
        Metadata: metadataOf(media.asset),
      },
    });
    const abort = () => void upload.abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await asked(upload.done());
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async function head(assetId: string) {
    if (!assetIdPattern.test(assetId)) return undefined;
    const answer = await askedFor(
      client.send(new HeadObjectCommand({ Bucket: bucket, Key: assetKey(assetId) })),
    );
    const mediaType = mediaTypeOf(answer?.ContentType);
    if (answer === undefined || mediaType === undefined) return undefined;
    return { mediaType, bytes: answer.ContentLength ?? 0, metadata: answer.Metadata ?? {} };
  }

  async function find(assetId: string): Promise<AssetFile | undefined> {
    const found = await head(assetId);
    return found && { mediaType: found.mediaType, bytes: found.bytes };
  }

  async function stat(assetId: string): Promise<StoredAsset | undefined> {
    const found = await head(assetId);
    return found && toStoredAsset(assetId, found);
  }

  async function open(assetId: string, range?: ByteRange): Promise<OpenedAsset> {
    const opened = assetIdPattern.test(assetId) ? await get(assetKey(assetId), range) : undefined;
    if (opened === undefined) throw new AssetNotFound(assetId);
    return opened;
  }

  async function get(key: string, range?: ByteRange): Promise<OpenedAsset | undefined> {
    const wanted = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
    const answer = await askedFor(client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...wanted })));
    const mediaType = mediaTypeOf(answer?.ContentType);
    if (answer?.Body === undefined || mediaType === undefined) return undefined;
    return {
      // In Node the SDK hands out Node's own streams.
      stream: answer.Body as Readable,
      mediaType,
      bytes: wholeBytes(answer),
    };
  }

  async function putThumbnail(assetId: string, width: number, bytes: Buffer): Promise<void> {
    const object = { Bucket: bucket, Key: thumbnailKey(assetId, width), Body: bytes };
    await asked(client.send(new PutObjectCommand({ ...object, ContentType: 'image/webp' })));
  }

  async function openThumbnail(assetId: string, width: number): Promise<OpenedAsset | undefined> {
    return assetIdPattern.test(assetId) ? await get(thumbnailKey(assetId, width)) : undefined;
  }

  async function remove(assetId: string): Promise<void> {
    if (!assetIdPattern.test(assetId)) return;
    const keys = [assetKey(assetId), ...thumbnailSizes.map((size) => thumbnailKey(assetId, size))];
    for (const Key of keys) await asked(client.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
  }

  async function ready(): Promise<void> {
    await prepare();
    await asked(client.send(new HeadBucketCommand({ Bucket: bucket })));
  }

  return { put, open, find, stat, putThumbnail, openThumbnail, remove, ready };
}

function assetKey(assetId: string): string {
  return `assets/${assetId}`;
}

function thumbnailKey(assetId: string, width: number): string {
  return `thumbnails/${assetId}-${String(width)}.webp`;
}

function mediaTypeOf(contentType: string | undefined): MediaType | undefined {
  return mediaTypes.find((known) => known === contentType);
}

const numberFields = ['width', 'height', 'frames'] as const;

function metadataOf(asset: StoredAsset): Record<string, string> {
  const known = numberFields.filter((field) => asset[field] !== undefined);
  return Object.fromEntries(known.map((field) => [field, String(asset[field])]));
}

function toStoredAsset(
  assetId: string,
  { mediaType, bytes, metadata }: { mediaType: MediaType; bytes: number; metadata: Record<string, string> },
): StoredAsset {
  const [width, height, frames] = numberFields.map((field) =>
    metadata[field] === undefined ? undefined : Number(metadata[field]),
  );
  return { assetId, mediaType, bytes, width, height, frames };
}

/** Of a part, the size of the whole stands behind the slash. */
function wholeBytes({ ContentRange, ContentLength }: GetObjectCommandOutput): number {
  return ContentRange === undefined ? (ContentLength ?? 0) : Number(ContentRange.split('/')[1]);
}

/** `undefined` where there is no such object. */
async function askedFor<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && (error.name === 'NotFound' || error.name === 'NoSuchKey')) return undefined;
    throw new AssetsUnavailable(error);
  }
}

async function asked<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw new AssetsUnavailable(error);
  }
}
