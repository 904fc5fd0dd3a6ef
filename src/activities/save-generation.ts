import type { StoredAsset } from '../domain/stored-asset';
import type { GenerationState, MadePicture, Recipe } from '../domain/generation';

/** The read model that outlives a workflow's history. */
export interface GenerationProjection {
  /** Keeps the newest revision; older ones are ignored. */
  saveState(state: GenerationState): Promise<void>;
}

export interface AssetRecords {
  /** Idempotent; an asset made twice keeps both recipes. */
  record(asset: StoredAsset, origin: 'generation' | 'upload', recipe?: Recipe): Promise<void>;
}

export interface SaveGenerationInput {
  state: GenerationState;
  /** Recipes of the pictures that are new since the last save. */
  made: MadePicture[];
}

/** Writes a generation's state, and how its pictures were made, to the database. Safe to repeat and to reorder. */
export function createSaveGeneration(generations: GenerationProjection, assets: AssetRecords) {
  return async function saveGeneration({ state, made }: SaveGenerationInput): Promise<void> {
    await Promise.all(made.map(({ asset, recipe }) => assets.record(asset, 'generation', recipe)));
    await generations.saveState(state);
  };
}
