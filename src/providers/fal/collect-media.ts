import type { StoredAsset } from '../../domain/generation';
import { ProviderError } from '../errors';
import { discardBody } from '../read-body';
import { isAllowedMediaUrl } from '../remote-url';
import { saveMedia } from '../save-media';
import type { MediaStore } from '../types';
import type { ExchangeOptions, FalApi } from './api';
import type { FalOutput } from './wire';

export interface CollectOptions {
  api: FalApi;
  media: MediaStore;
  exchange: ExchangeOptions;
  expects: 'image' | 'video';
  providerRequestId: string;
  /** Whether a failed download may be tried again before the job is paid anew. */
  resumable: boolean;
}

/**
 * Stores the pictures of a result that the safety checker did not flag. A flagged one is plain black, and its flag is
 * at the same index.
 *
 * @throws ProviderError `corrupt` without pictures, `policy` when all are flagged.
 */
export async function collectMedia(
  output: FalOutput,
  options: CollectOptions,
): Promise<[StoredAsset, ...StoredAsset[]]> {
  const { providerRequestId } = options;
  const pictures = output.images ?? (output.image === undefined ? [] : [output.image]);
  if (pictures.length === 0) {
    throw afterPayment('corrupt', 'no_media', 'the result of the job holds no picture', {
      providerRequestId,
    });
  }
  const [first, ...rest] = pictures.filter((_, index) => output.has_nsfw_concepts?.[index] !== true);
  if (first === undefined) {
    const message = "Fal's safety checker flagged every picture of the result";
    throw afterPayment('policy', 'nsfw_flagged', message, { providerRequestId });
  }
  const assets: [StoredAsset, ...StoredAsset[]] = [await download(first.url, options)];
  for (const { url } of rest) assets.push(await download(url, options));
  return assets;
}

async function download(url: string, options: CollectOptions): Promise<StoredAsset> {
  const { api, media, exchange, expects, providerRequestId, resumable } = options;
  if (!isAllowedMediaUrl(url, api.settings.mediaHosts, api.settings.queueUrl)) {
    const message = 'the result lies on a host that is not on the list of media hosts';
    throw afterPayment('outage', 'media_host_foreign', message, { providerRequestId });
  }
  const reply = await api.openMedia(url, exchange);
  if (reply.status === 200) return await saveMedia(reply, media, { signal: exchange.signal, expects });
  await discardBody(reply);
  const { status } = reply;
  if (status >= 300 && status < 400) {
    const message = 'the result redirects to another place';
    throw afterPayment('outage', 'media_redirect', message, { providerRequestId, status });
  }
  const message = `the picture could not be downloaded from Fal (status ${String(status)})`;
  throw afterPayment('transient', 'media_unavailable', message, { providerRequestId, status, resumable });
}

function afterPayment(
  failureClass: ProviderError['failureClass'],
  code: string,
  message: string,
  known: { providerRequestId: string; status?: number; resumable?: boolean },
): ProviderError {
  return new ProviderError(message, { provider: 'fal', failureClass, code, certainty: 'accepted', ...known });
}
