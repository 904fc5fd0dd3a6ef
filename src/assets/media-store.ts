import { ProviderError } from '../providers/errors';
import type { ProviderName } from '../domain/taxonomy';
import type { MediaStore } from '../providers/types';
import { AssetNotFound, type AssetStore } from './asset-store';

/**
 * The asset store as a provider's client sees it. Results are never allowed to be blank: a picture of one colour is
 * how a safety filter or a broken model answers.
 *
 * @param provider named in the error when an input picture is gone. Default `modal`: one store may serve all clients,
 * and then whoever called knows better which one asked.
 */
export function toMediaStore(store: AssetStore, provider: ProviderName = 'modal'): MediaStore {
  return {
    async open(assetId) {
      try {
        return await store.open(assetId);
      } catch (error) {
        if (!(error instanceof AssetNotFound)) throw error;
        throw new ProviderError('an input picture of this job is no longer in the asset store', {
          provider,
          code: 'input_asset_missing',
          outcome: 'nothing_sent',
          cause: error,
        });
      }
    },
    async save(stream, options) {
      return await store.put(stream, options);
    },
  };
}
