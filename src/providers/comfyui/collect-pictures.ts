import type { StoredAsset } from '../../domain/stored-asset';
import { saveMedia } from '../save-media';
import type { MediaStore, SaveOptions } from '../../domain/media';
import type { ProviderResult } from '../types';
import type { Pod } from './pod';
import { executionSeconds, readRunResult } from './run-result';
import type { HistoryEntry, OutputFile } from './wire';

export interface CollectPicturesOptions {
  pod: Pod;
  media: MediaStore;
  save: SaveOptions;
  outputNode: string;
  promptId: string;
}

/**
 * Streams what a finished run made into the store.
 *
 * @throws ProviderError when the run failed or made nothing, else what the pod or the store throw.
 */
export async function collectPictures(
  entry: HistoryEntry,
  options: CollectPicturesOptions,
): Promise<ProviderResult> {
  const { outputNode, promptId } = options;
  const [first, ...others] = readRunResult(entry, outputNode, promptId);
  const assets: ProviderResult['assets'] = [await download(first, options)];
  for (const file of others) assets.push(await download(file, options));
  return { assets, executionSeconds: executionSeconds(entry), providerRequestId: promptId };
}

async function download(
  file: OutputFile,
  { pod, media, save }: CollectPicturesOptions,
): Promise<StoredAsset> {
  return await saveMedia(await pod.view(file), media, save);
}
