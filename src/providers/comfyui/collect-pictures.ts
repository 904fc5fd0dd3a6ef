import type { StoredAsset } from '../../domain/generation';
import { saveMedia } from '../save-media';
import type { MediaStore, ProviderResult } from '../types';
import type { RunHandle } from './prompt-id';
import type { Pod } from './pod';
import { executionSeconds, readRunResult } from './run-result';
import type { HistoryEntry, OutputFile } from './wire';

export interface CollectPicturesOptions {
  pod: Pod;
  media: MediaStore;
  signal: AbortSignal;
  expects: 'image' | 'video';
  outputNode: string;
  handle: RunHandle;
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
  const { outputNode, handle } = options;
  const [first, ...others] = readRunResult(entry, outputNode, handle);
  const assets: ProviderResult['assets'] = [await save(first, options)];
  for (const file of others) assets.push(await save(file, options));
  return { assets, executionSeconds: executionSeconds(entry), providerRequestId: handle.promptId };
}

async function save(
  file: OutputFile,
  { pod, media, signal, expects }: CollectPicturesOptions,
): Promise<StoredAsset> {
  return await saveMedia(await pod.view(file), media, { signal, expects });
}
