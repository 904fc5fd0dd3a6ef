import { Context } from '@temporalio/activity';
import { earlierRuns } from '../domain/earlier-runs';
import type { EarlierRuns } from '../domain/forgotten';
import type { StoredAsset } from '../domain/stored-asset';
import { workflowIdOf } from '../domain/workflow-id';
import type { GenerationState, MadePicture, Recipe } from '../domain/generation';

/** The read model that outlives a workflow's history. */
export interface GenerationProjection {
  /**
   * Keeps the newest revision; older ones are ignored.
   *
   * @param earlierRuns asked where the workflow was reset: what its runs before knew last
   */
  saveState(
    state: GenerationState,
    earlierRuns: (state: GenerationState) => Promise<EarlierRuns>,
  ): Promise<SavedGeneration>;
}

export interface AssetRecords {
  /** Idempotent; an asset made twice keeps both recipes. */
  record(asset: StoredAsset, origin: 'generation' | 'upload', recipe?: Recipe): Promise<void>;
}

export interface SavedGeneration {
  /** USD that runs before a reset may have paid, and the present one knows nothing of. */
  forgottenUsd: number;
}

export interface SaveGenerationInput {
  state: GenerationState;
  /** Recipes of the pictures that are new since the last save. */
  made: MadePicture[];
}

/** Writes a generation's state, and how its pictures were made, to the database. Safe to repeat and to reorder. */
export function createSaveGeneration(generations: GenerationProjection, assets: AssetRecords) {
  return async function saveGeneration({ state, made }: SaveGenerationInput): Promise<SavedGeneration> {
    await Promise.all(made.map(({ asset, recipe }) => assets.record(asset, 'generation', recipe)));
    return await generations.saveState(state, askEarlierRuns);
  };
}

function askEarlierRuns(state: GenerationState): Promise<EarlierRuns> {
  const { workflow } = Context.current().client;
  return earlierRuns(workflow, workflowIdOf(state), state.runs ?? []);
}
