import { Readable } from 'node:stream';
import type { StoredAsset } from '../../domain/stored-asset';
import type { AssetStore, PutOptions } from '../asset-store';
import { bytesOfDataUrl, isDataUrl } from './data-url';
import { ForeignUrlError } from './foreign-url-error';
import { guardedGet, unreachable, type GuardOptions } from './guarded-request';

export interface ForeignPictures {
  /**
   * Stores the picture or clip behind a public http(s) URL or inside a `data:` URL. Its bytes decide what it is.
   *
   * @throws ForeignUrlError when it cannot be had, and MediaError when what came is of no use.
   */
  store(url: string, options: Pick<PutOptions, 'expects'>): Promise<StoredAsset>;
}

export interface ForeignPicturesOptions extends GuardOptions {
  assetStore: Pick<AssetStore, 'put'>;
  /** Default 50 MB, as for uploads. */
  maxBytes?: number | undefined;
  /** For all of it: name, connection, redirects, bytes. Default 20 s. */
  totalMs?: number | undefined;
}

const defaultTotalMs = 20_000;
const defaultMaxBytes = 50e6;

export function createForeignPictures(options: ForeignPicturesOptions): ForeignPictures {
  const { assetStore, maxBytes = defaultMaxBytes, totalMs = defaultTotalMs, ...guard } = options;
  return {
    async store(url, { expects }) {
      // As for uploads: masks may be of one colour.
      const put = { expects, maxBytes, allowBlank: true, dropPrivate: true };
      if (isDataUrl(url)) return await assetStore.put(Readable.from([bytesOfDataUrl(url)]), put);
      const signal = AbortSignal.timeout(totalMs);
      try {
        return await guardedGet(url, { ...guard, signal }, async ({ headers, body }) => {
          if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
          return await assetStore.put(Readable.from(whole(body, signal)), put);
        });
      } catch (error) {
        if (error !== signal.reason) throw error;
        throw timedOut(totalMs);
      }
    },
  };
}

/** Tells a connection that broke from a store that did. */
async function* whole(body: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (cause) {
    signal.throwIfAborted();
    throw new ForeignUrlError('url_unreachable', unreachable, { cause });
  }
}

function tooLarge(maxBytes: number): ForeignUrlError {
  return new ForeignUrlError('url_too_large', `has more than ${maxBytes} bytes: send a smaller picture`);
}

function timedOut(totalMs: number): ForeignUrlError {
  return new ForeignUrlError(
    'url_timeout',
    `took longer than ${totalMs / 1000} s: send it again, or upload the file with POST /v1/assets`,
  );
}
