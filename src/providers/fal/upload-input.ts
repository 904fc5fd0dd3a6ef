import type { WireInput } from '../../domain/plan';
import { ProviderError } from '../errors';
import { inlineInput } from '../input-values';
import { isAllowedMediaUrl } from '../http/remote-url';
import type { MediaStore } from '../../domain/media';
import type { ExchangeOptions, FalApi, FalClientSettings } from './api';

/**
 * How an input picture is named on Fal's wire: the URL of a fresh upload, or a data URI where the registry says so.
 * Free, and safe to repeat.
 */
export async function uploadInput(
  input: WireInput,
  { api, media, exchange }: { api: FalApi; media: MediaStore; exchange: ExchangeOptions },
): Promise<string> {
  if (input.encoding === 'data-url' || input.encoding === 'base64')
    return await inlineInput(input, media, 'fal');
  const { stream, mediaType, bytes } = await media.open(input.assetId);
  try {
    const fileName = `${input.assetId.slice(0, 16)}.${mediaType.split('/')[1] ?? 'bin'}`;
    const { uploadUrl, fileUrl } = await api.beginUpload({ contentType: mediaType, fileName }, exchange);
    assertUploadHost(uploadUrl, api.settings);
    await api.putFile(uploadUrl, { stream, contentType: mediaType, bytes }, exchange);
    return fileUrl;
  } finally {
    stream.destroy();
  }
}

/** Pictures of our characters go to Fal and its storage, to nobody else. */
function assertUploadHost(uploadUrl: string, { restUrl, mediaHosts }: FalClientSettings): void {
  const isRestHost = new URL(uploadUrl).origin === new URL(restUrl).origin;
  if (isRestHost || isAllowedMediaUrl(uploadUrl, mediaHosts, restUrl)) return;
  throw new ProviderError('Fal named an upload address on a host that is not on the list of media hosts', {
    provider: 'fal',
    code: 'upload_host_foreign',
    outcome: 'nothing_sent',
  });
}
