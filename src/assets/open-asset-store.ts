import type { AssetStore } from './asset-store';
import { createFilesystemAssetStore } from './filesystem-asset-store';

/** Where an installation keeps its assets. Every API and every worker of it must say the same. */
export type AssetStoreSettings =
  | { kind: 'filesystem'; directory: string }
  | { kind: 's3'; bucket: string; endpoint: string | undefined; region: string; forcePathStyle: boolean };

export async function openAssetStore(settings: AssetStoreSettings): Promise<AssetStore> {
  if (settings.kind === 'filesystem') return createFilesystemAssetStore(settings);
  // Whoever keeps files need not load the SDK.
  const { createS3AssetStore } = await import('./s3-asset-store.js');
  return createS3AssetStore(settings);
}
