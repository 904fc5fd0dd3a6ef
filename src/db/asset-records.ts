import type { Kysely, Selectable } from 'kysely';
import type { StoredAsset } from '../domain/stored-asset';
import type { Recipe } from '../domain/generation';
import type { Database } from './database';
import type { AssetTable, DatabaseSchema } from './schema';
import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json';

export interface AssetRecord extends StoredAsset {
  /** How its bytes first came here. */
  origin: 'upload' | 'generation';
  createdAt: string;
}

export interface AssetRecords {
  /**
   * Notes an asset, and how it was made. Idempotent: the same bytes are one asset, each slot that made them adds its
   * own recipe, and writing one again replaces only itself.
   */
  record(asset: StoredAsset, origin: AssetRecord['origin'], recipe?: Recipe): Promise<void>;
  find(assetId: string): Promise<AssetRecord | undefined>;
  /** Whether a generation that was declared NSFW made it, or one like it to the byte. */
  isNsfw(assetId: string): Promise<boolean>;
  /** Oldest first; empty for an upload. */
  recipes(assetId: string): Promise<Recipe[]>;
  /** The newest picture of just this recipe, whoever asked for it. */
  findMade(recipe: RecipeIdentity): Promise<StoredAsset | undefined>;
}

export function createAssetRecords(db: Database): AssetRecords {
  return {
    record: (asset, origin, recipe) =>
      db.transaction().execute(async (transaction) => {
        await insertAssets(transaction, [asset], origin);
        if (recipe !== undefined) await putRecipe(transaction, asset.assetId, recipe);
      }),

    async find(assetId) {
      const row = await db.selectFrom('assets').selectAll().where('id', '=', assetId).executeTakeFirst();
      return row === undefined
        ? undefined
        : { ...toStoredAsset(row), origin: row.origin, createdAt: row.created_at };
    },

    isNsfw: (assetId) => isNsfw(db, assetId),

    async recipes(assetId) {
      const rows = await db
        .selectFrom('recipes')
        .select('recipe')
        .where('asset_id', '=', assetId)
        .orderBy('created_at')
        .orderBy('generation_id')
        .orderBy('slot')
        .execute();
      return rows.map((row) => row.recipe);
    },

    findMade: (recipe) => findMade(db, recipe),
  };
}

/** Notes assets that are not known yet; known ones stay as they are. */
export async function insertAssets(
  db: Kysely<DatabaseSchema>,
  assets: readonly StoredAsset[],
  origin: AssetRecord['origin'],
): Promise<void> {
  if (assets.length === 0) return;
  // One order for all writers, so that two of them never wait for each other.
  const sorted = assets.toSorted((left, right) => left.assetId.localeCompare(right.assetId));
  const rows = sorted.map((asset) => ({
    id: asset.assetId,
    media_type: asset.mediaType,
    bytes: asset.bytes,
    width: asset.width ?? null,
    height: asset.height ?? null,
    frames: asset.frames ?? null,
    perceptual_hash: asset.perceptualHash ?? null,
    origin,
  }));
  await db
    .insertInto('assets')
    .values(rows)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** An `assets` row in the words of the domain. */
export function toStoredAsset(row: Omit<Selectable<AssetTable>, 'origin' | 'created_at'>): StoredAsset {
  return {
    assetId: row.id,
    mediaType: row.media_type,
    bytes: row.bytes,
    width: row.width ?? undefined,
    height: row.height ?? undefined,
    frames: row.frames ?? undefined,
    perceptualHash: row.perceptual_hash ?? undefined,
  };
}

/** By slot and by recipe: each is written without the other. */
async function isNsfw(db: Database, assetId: string): Promise<boolean> {
  const bySlot = db.selectFrom('slots').select('generation_id').where('asset_id', '=', assetId);
  const byRecipe = db.selectFrom('recipes').select('generation_id').where('asset_id', '=', assetId);
  const row = await db
    .selectFrom('generations')
    .select('id')
    .where('nsfw', '=', true)
    .where((where) => where.or([where('id', 'in', bySlot), where('id', 'in', byRecipe)]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function findMade(db: Database, recipe: RecipeIdentity): Promise<StoredAsset | undefined> {
  const row = await db
    .selectFrom('recipes')
    .innerJoin('assets', 'assets.id', 'recipes.asset_id')
    .selectAll('assets')
    .where('recipes.recipe_hash', '=', recipeHash(recipe))
    .orderBy('recipes.created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : toStoredAsset(row);
}

async function putRecipe(db: Kysely<DatabaseSchema>, assetId: string, recipe: Recipe): Promise<void> {
  const { generationId, slot } = recipe;
  const made = { recipe: JSON.stringify(recipe), recipe_hash: recipeHash(recipe) };
  await db
    .insertInto('recipes')
    .values({ asset_id: assetId, generation_id: generationId, slot, ...made })
    .onConflict((conflict) => conflict.columns(['asset_id', 'generation_id', 'slot']).doUpdateSet(made))
    .execute();
}

/** All that decides what a picture looks like; the seed is among the parameters. */
type RecipeIdentity = Pick<Recipe, 'modelId' | 'endpoint' | 'parameters' | 'inputs'>;

/** SHA-256, hex. Equal for recipes that would make the same picture, in whatever order their fields stand. */
function recipeHash({ modelId, endpoint, parameters, inputs }: RecipeIdentity): string {
  const used = inputs.map(({ field, assetId }) => ({ field, assetId }));
  return createHash('sha256')
    .update(canonicalJson({ modelId, endpoint, parameters, inputs: used }))
    .digest('hex');
}
