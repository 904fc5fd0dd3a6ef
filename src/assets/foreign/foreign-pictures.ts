import { Readable } from 'node:stream';
import type { StoredAsset } from '../../domain/stored-asset';
import type { AssetStore, PutOptions } from '../asset-store';
import { bytesOfDataUrl, isDataUrl } from './data-url';
import { ForeignUrlError } from './foreign-url-error';
import { guardedGet, unreachable, type GuardOptions } from './guarded-request';
import { createTurns, type TurnLimits } from './turns';

export interface ForeignPictures {
  /**
   * Stores the picture or clip behind a public http(s) URL or inside a `data:` URL. Its bytes decide what it is.
   *
   * @throws ForeignUrlError when it cannot be had, and MediaError when what came is of no use.
   */
  store(url: string, options: Pick<PutOptions, 'expects'> & { caller: string }): Promise<StoredAsset>;
}

export interface ForeignPicturesOptions extends GuardOptions {
  assetStore: Pick<AssetStore, 'put'>;
  /** Default 50 MB, as for uploads. */
  maxBytes?: number | undefined;
  /** For all of it: its turn, name, connection, redirects, bytes. Default 20 s. */
  totalMs?: number | undefined;
  /** Fetches at once, in this process and of each caller; others wait. Default 16 and 4. */
  atOnce?: TurnLimits | undefined;
}

const defaultTotalMs = 20_000;
const defaultMaxBytes = 50e6;
/** Each may hold a connection and a file of 50 MB for 20 s. */
const defaultAtOnce = { ofAll: 16, ofEach: 4 };

export function createForeignPictures(options: ForeignPicturesOptions): ForeignPictures {
  const { assetStore, maxBytes = defaultMaxBytes, totalMs = defaultTotalMs, atOnce, ...guard } = options;
  const inTurn = createTurns(atOnce ?? defaultAtOnce);
  return {
    async store(url, { expects, caller }) {
      // As for uploads: masks may be of one colour.
      const put = { expects, maxBytes, allowBlank: true, dropPrivate: true };
      if (isDataUrl(url)) return await assetStore.put(Readable.from([bytesOfDataUrl(url)]), put);
      const signal = AbortSignal.timeout(totalMs);
      try {
        return await inTurn(caller, signal, () =>
          guardedGet(url, { ...guard, signal }, async ({ headers, body }) => {
            if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
            return await assetStore.put(Readable.from(whole(body, signal)), put);
          }),
        );
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
