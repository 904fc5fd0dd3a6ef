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

/** Finds for a planned slot the stored picture that one of its candidates would make again; an earlier one is preferred. */
export type FindReusable = (slot: SlotPlan) => Promise<SlotPlan['reusable']>;

export function createFindReusable(made: MadePictures, bytes: StoredBytes): FindReusable {
  const findAt = async (candidate: PlannedCandidate): Promise<SlotPlan['reusable']> => {
    const asset = await made.findMade(recipeOf(candidate));
    if (asset === undefined || (await bytes.stat(asset.assetId)) === undefined) return undefined;
    return { asset, modelId: candidate.modelId };
  };
  return async function findReusable({ candidates }) {
    const found = await Promise.all(candidates.map(findAt));
    return found.find((one) => one !== undefined);
  };
}

function recipeOf({ modelId, endpoint, parameters, inputs }: PlannedCandidate) {
  return { modelId, endpoint, parameters, inputs: inputs.map(({ field, assetId }) => ({ field, assetId })) };
}
