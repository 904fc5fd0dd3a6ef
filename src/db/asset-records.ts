import { sql, type Kysely, type Selectable } from 'kysely';
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
  /** Notes an asset that this caller has sent. Sent by two callers it belongs to both; sent anew it is no longer deleted. */
  recordUpload(asset: StoredAsset, caller: string): Promise<void>;
  /** Notes whose these are before their generation can; known ones stay as they are. */
  own(caller: string, assetIds: readonly string[]): Promise<void>;
  /** Whether this caller has sent it, or a generation of this caller has made it. */
  belongsTo(caller: string, assetId: string): Promise<boolean>;
  /**
   * Takes an asset away from this caller. `removeBytes` is called where nobody else has it, before it is settled: it may
   * be called again.
   */
  remove(caller: string, assetId: string, removeBytes: () => Promise<void>): Promise<RemovedAsset>;
  find(assetId: string): Promise<AssetRecord | undefined>;
  /** Whether a generation of this caller that was declared NSFW made it, or one like it to the byte. */
  isNsfw(caller: string, assetId: string): Promise<boolean>;
  /** How this caller's generations made it, oldest first; empty for an upload. */
  recipes(caller: string, assetId: string): Promise<Recipe[]>;
  /** This caller's newest picture of just this recipe. */
  findMade(caller: string, recipe: RecipeIdentity): Promise<StoredAsset | undefined>;
}

export type RemovedAsset = 'removed' | 'unknown' | 'in_use';

export function createAssetRecords(db: Database): AssetRecords {
  return {
    record: (asset, origin, recipe) =>
      db.transaction().execute(async (transaction) => {
        await insertAssets(transaction, [asset], origin);
        if (recipe !== undefined) await putRecipe(transaction, asset.assetId, recipe);
      }),

    recordUpload: (asset, caller) =>
      db.transaction().execute(async (transaction) => {
        await insertAssets(transaction, [asset], 'upload');
        await lockAsset(transaction, asset.assetId);
        await putOwner(transaction, { assetId: asset.assetId, caller, isDeleted: false });
      }),

    own: (caller, assetIds) => insertOwners(db, caller, assetIds),
    belongsTo: (caller, assetId) => belongsTo(db, caller, assetId),

    remove: (caller, assetId, removeBytes) =>
      db.transaction().execute(async (transaction) => {
        const isNoted = await lockAsset(transaction, assetId);
        if (!(await belongsTo(transaction, caller, assetId))) return 'unknown';
        // One that is shown and not noted yet is of a generation under way.
        if (!isNoted || (await isInUse(transaction, caller, assetId))) return 'in_use';
        await putOwner(transaction, { assetId, caller, isDeleted: true });
        if (!(await hasOwner(transaction, assetId))) await removeBytes();
        return 'removed';
      }),

    async find(assetId) {
      const row = await db.selectFrom('assets').selectAll().where('id', '=', assetId).executeTakeFirst();
      return row === undefined
        ? undefined
        : { ...toStoredAsset(row), origin: row.origin, createdAt: row.created_at };
    },

    isNsfw: (caller, assetId) => isNsfw(db, caller, assetId),

    async recipes(caller, assetId) {
      const rows = await db
        .selectFrom('recipes')
        .innerJoin('generations', 'generations.id', 'recipes.generation_id')
        .select('recipe')
        .where('asset_id', '=', assetId)
        .where('generations.caller', '=', caller)
        .orderBy('recipes.created_at')
        .orderBy('generation_id')
        .orderBy('slot')
        .execute();
      return rows.map((row) => row.recipe);
    },

    findMade: (caller, recipe) => findMade(db, caller, recipe),
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

async function insertOwners(
  db: Kysely<DatabaseSchema>,
  caller: string,
  assetIds: readonly string[],
): Promise<void> {
  if (assetIds.length === 0) return;
  await db
    .insertInto('asset_owners')
    .values(assetIds.toSorted().map((assetId) => ({ asset_id: assetId, caller })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Says for sure whether this caller has an asset or has deleted it, whatever was noted before. */
async function putOwner(
  db: Kysely<DatabaseSchema>,
  { assetId, caller, isDeleted }: { assetId: string; caller: string; isDeleted: boolean },
): Promise<void> {
  const deleted_at = isDeleted ? sql<string>`now()` : null;
  await db
    .insertInto('asset_owners')
    .values({ asset_id: assetId, caller, deleted_at })
    .onConflict((conflict) => conflict.columns(['asset_id', 'caller']).doUpdateSet({ deleted_at }))
    .execute();
}

const assetIdForm = /^[0-9a-f]{64}$/;

/** Who has an asset: by row, by slot and by recipe, and has not deleted it. */
function ownersOf(assetId: string) {
  return sql<{ caller: string }>`
    (select caller from asset_owners where asset_id = ${assetId}
    union select g.caller from slots s join generations g on g.id = s.generation_id where s.asset_id = ${assetId}
    union select g.caller from recipes r join generations g on g.id = r.generation_id where r.asset_id = ${assetId}
    except select caller from asset_owners where asset_id = ${assetId} and deleted_at is not null)`;
}

/** One statement for all ways, so that an asset of somebody else takes as long as one that does not exist. */
async function belongsTo(db: Kysely<DatabaseSchema>, caller: string, assetId: string): Promise<boolean> {
  if (!assetIdForm.test(assetId)) return false;
  const { rows } = await sql<{ is_own: boolean }>`
    select exists (select 1 from ${ownersOf(assetId)} as owners where caller = ${caller}) as is_own`.execute(
    db,
  );
  return rows[0]?.is_own === true;
}

async function hasOwner(db: Kysely<DatabaseSchema>, assetId: string): Promise<boolean> {
  const { rows } = await sql<{ has_owner: boolean }>`
    select exists (select 1 from ${ownersOf(assetId)} as owners) as has_owner`.execute(db);
  return rows[0]?.has_owner === true;
}

/** Whether a generation of this caller that is not finished was given it, or has made it. */
async function isInUse(db: Kysely<DatabaseSchema>, caller: string, assetId: string): Promise<boolean> {
  const { rows } = await sql<{ is_used: boolean }>`
    select exists (select 1 from generations g where g.caller = ${caller} and g.status in ('accepted', 'running') and (
      exists (select 1 from slots s where s.generation_id = g.id and s.asset_id = ${assetId})
      or exists (select 1 from recipes r where r.generation_id = g.id and r.asset_id = ${assetId})
      or exists (select 1 from jsonb_each(coalesce(g.request -> 'assets', '{}')) as used (role, asset)
        where used.asset ->> 'assetId' = ${assetId}))) as is_used`.execute(db);
  return rows[0]?.is_used === true;
}

/** Whoever gives or takes an asset waits for whoever is about to take its bytes away. @returns whether it is noted */
async function lockAsset(db: Kysely<DatabaseSchema>, assetId: string): Promise<boolean> {
  const row = await db
    .selectFrom('assets')
    .select('id')
    .where('id', '=', assetId)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** By slot and by recipe: each is written without the other. */
async function isNsfw(db: Database, caller: string, assetId: string): Promise<boolean> {
  const bySlot = db.selectFrom('slots').select('generation_id').where('asset_id', '=', assetId);
  const byRecipe = db.selectFrom('recipes').select('generation_id').where('asset_id', '=', assetId);
  const row = await db
    .selectFrom('generations')
    .select('id')
    .where('caller', '=', caller)
    .where('nsfw', '=', true)
    .where((where) => where.or([where('id', 'in', bySlot), where('id', 'in', byRecipe)]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function findMade(
  db: Database,
  caller: string,
  recipe: RecipeIdentity,
): Promise<StoredAsset | undefined> {
  const row = await db
    .selectFrom('recipes')
    .innerJoin('assets', 'assets.id', 'recipes.asset_id')
    .innerJoin('generations', 'generations.id', 'recipes.generation_id')
    .selectAll('assets')
    .where('recipes.recipe_hash', '=', recipeHash(recipe))
    .where('generations.caller', '=', caller)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('asset_owners')
            .select('asset_owners.caller')
            .whereRef('asset_owners.asset_id', '=', 'assets.id')
            .where('asset_owners.caller', '=', caller)
            .where('asset_owners.deleted_at', 'is not', null),
        ),
      ),
    )
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
