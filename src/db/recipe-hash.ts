import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json';
import type { Recipe } from '../domain/generation';

/** All that decides what a picture looks like; the seed is among the parameters. */
export type RecipeIdentity = Pick<Recipe, 'modelId' | 'endpoint' | 'parameters' | 'inputs'>;

/** SHA-256, hex. Equal for recipes that would make the same picture, in whatever order their fields stand. */
export function recipeHash({ modelId, endpoint, parameters, inputs }: RecipeIdentity): string {
  const used = inputs.map(({ field, assetId }) => ({ field, assetId }));
  return createHash('sha256')
    .update(canonicalJson({ modelId, endpoint, parameters, inputs: used }))
    .digest('hex');
}
