import type { MediaStore } from '../domain/media';
import type { AssetStore } from './asset-store';

/**
 * The asset store as a provider's client sees it. Results are never allowed to be blank: a picture of one colour is
 * how a safety filter or a broken model answers.
 */
export function toMediaStore(store: AssetStore): MediaStore {
  return {
    open: async (assetId) => await store.open(assetId),
    save: async (stream, options) => await store.put(stream, options),
  };
}
