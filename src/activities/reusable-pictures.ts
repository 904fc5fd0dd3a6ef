import type { StoredAsset } from '../domain/stored-asset';
import type { Recipe } from '../domain/generation';
import type { PlannedCandidate, SlotPlan } from '../domain/plan';

/** Pictures that are already there. */
export interface MadePictures {
  /** The newest picture of just this recipe. */
  findMade(
    recipe: Pick<Recipe, 'modelId' | 'endpoint' | 'parameters' | 'inputs'>,
  ): Promise<StoredAsset | undefined>;
}

/** Whether the bytes of an asset are still there: a record may outlive them. */
export interface StoredBytes {
  stat(assetId: string): Promise<object | undefined>;
}

/** Finds for a planned slot the stored picture that its first candidate would make again. */
export type FindReusable = (slot: SlotPlan) => Promise<SlotPlan['reusable']>;

export function createFindReusable(made: MadePictures, bytes: StoredBytes): FindReusable {
  return async function findReusable({ candidates: [first] }) {
    if (first === undefined) return undefined;
    const asset = await made.findMade(recipeOf(first));
    if (asset === undefined || (await bytes.stat(asset.assetId)) === undefined) return undefined;
    return { asset, modelId: first.modelId };
  };
}

function recipeOf({ modelId, endpoint, parameters, inputs }: PlannedCandidate) {
  return { modelId, endpoint, parameters, inputs: inputs.map(({ field, assetId }) => ({ field, assetId })) };
}
