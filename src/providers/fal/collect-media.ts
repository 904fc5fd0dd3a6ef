import type { StoredAsset } from '../../domain/stored-asset';
import type { FailureCode } from '../../domain/failures';
import { MediaError } from '../../domain/media';
import { ProviderError, type ProviderErrorOptions } from '../errors';
import type { HttpReply } from '../http/http';
import { discardBody } from '../http/read-body';
import { isAllowedMediaUrl } from '../http/remote-url';
import { askedWaitMs } from '../http/retry-after';
import { saveMedia } from '../save-media';
import type { MediaStore, SaveOptions } from '../../domain/media';
import type { ExchangeOptions, FalApi } from './api';
import type { FalOutput } from './wire';

export interface CollectOptions {
  api: FalApi;
  media: MediaStore;
  exchange: ExchangeOptions;
  save: SaveOptions;
  providerRequestId: string | undefined;
}

/**
 * Stores the pictures of a result that the safety checker did not flag. A flagged one is plain black, and its flag is
 * at the same index.
 *
 * @throws ProviderError `corrupt` without pictures, `policy` when all are flagged; MediaError `unavailable` when a
 * picture is not where the result says.
 */
export async function collectMedia(
  output: FalOutput,
  options: CollectOptions,
): Promise<[StoredAsset, ...StoredAsset[]]> {
  const { providerRequestId } = options;
  const pictures = output.images ?? (output.image === undefined ? [] : [output.image]);
  if (pictures.length === 0) {
    // Billed by the picture. What is not even an empty list is no output of Fal's, and says nothing about the job.
    const isOutput = output.images !== undefined;
    const outcome = isOutput ? 'ended_free' : 'still_there';
    throw afterPayment('no_media', 'the result of the job holds no picture', { providerRequestId, outcome });
  }
  const [first, ...rest] = pictures.filter((_, index) => output.has_nsfw_concepts?.[index] !== true);
  if (first === undefined) {
    const message = "Fal's safety checker flagged every picture of the result";
    throw afterPayment('nsfw_flagged', message, { providerRequestId, outcome: 'useless' });
  }
  const assets: [StoredAsset, ...StoredAsset[]] = [await download(first.url, options)];
  for (const { url } of rest) assets.push(await download(url, options));
  return assets;
}

async function download(url: string, options: CollectOptions): Promise<StoredAsset> {
  const { api, media, exchange, save, providerRequestId } = options;
  if (!isAllowedMediaUrl(url, api.settings.mediaHosts, api.settings.queueUrl)) {
    const message = 'the result lies on a host that is not on the list of media hosts';
    throw afterPayment('media_host_foreign', message, { providerRequestId });
  }
  const reply = await api.openMedia(url, exchange);
  if (reply.status === 200) return await saveMedia(reply, media, save);
  await discardBody(reply);
  throw downloadFailure(reply, providerRequestId);
}

/** No key goes to the media host, so its 401 and 403 are the picture's own, as a link that ran out. */
function downloadFailure(reply: HttpReply, providerRequestId: string | undefined): Error {
  const { status } = reply;
  const known = { providerRequestId, status };
  if (status >= 300 && status < 400) {
    return afterPayment('media_redirect', 'the result redirects to another place', known);
  }
  if (status === 408 || status === 429 || status >= 500) {
    const message = `Fal's media host cannot answer at the moment (status ${String(status)})`;
    const retryAfterMs = askedWaitMs(reply);
    return afterPayment('media_host_busy', message, { ...known, retryAfterMs });
  }
  return new MediaError('unavailable', `status ${String(status)}`);
}

function afterPayment(
  code: FailureCode,
  message: string,
  known: Partial<Pick<ProviderErrorOptions, 'providerRequestId' | 'status' | 'retryAfterMs' | 'outcome'>>,
): ProviderError {
  return new ProviderError(message, {
    ...{ provider: 'fal', code, outcome: 'still_there', charge: 'price' },
    ...known,
  });
}
