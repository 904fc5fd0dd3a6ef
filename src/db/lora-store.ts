import { sql, type Selectable, type Transaction } from 'kysely';
import type { LoraBaseModel } from '../domain/requests';
import type { Database } from './database';
import type { DatabaseSchema, LoraStatus, LoraTable } from './schema';

export interface Lora {
  characterId: string;
  id: string;
  baseModel: LoraBaseModel;
  triggerWord: string;
  status: LoraStatus;
  /** Weight used when a request names none. */
  defaultStrength: number;
  /** Used when a request names no LoRA; at most one per character. */
  isDefault: boolean;
  createdAt: string;
  updatedAt: string;
}

export interface LoraSettings {
  caller: string;
  characterId: string;
  id: string;
  baseModel: LoraBaseModel;
  triggerWord: string;
  status: LoraStatus;
  defaultStrength: number;
  /** Left out: stays as it is; but a `ready` one becomes the default where the character has no `ready` default. */
  isDefault?: boolean | undefined;
}

/** A character of a caller's. */
export interface CharacterRef {
  caller: string;
  characterId: string;
}

export interface LoraStore {
  /** Creates or replaces; `undefined` when the character does not exist. A new default takes over from the old one. */
  put(settings: LoraSettings): Promise<{ lora: Lora; created: boolean } | undefined>;
  get(character: CharacterRef, id: string): Promise<Lora | undefined>;
  /** By id, ascending. */
  list(character: CharacterRef): Promise<Lora[]>;
  /** Whether there was one to delete. */
  remove(character: CharacterRef, id: string): Promise<boolean>;
}

export function createLoraStore(db: Database): LoraStore {
  return {
    put: (settings) => db.transaction().execute((transaction) => putLora(transaction, settings)),

    async get({ caller, characterId }, id) {
      const row = await db
        .selectFrom('loras')
        .selectAll()
        .where('caller', '=', caller)
        .where('character_id', '=', characterId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : toLora(row);
    },

    async list({ caller, characterId }) {
      const own = db.selectFrom('loras').selectAll().where('caller', '=', caller);
      const all = own.where('character_id', '=', characterId);
      return (await all.orderBy('id').execute()).map(toLora);
    },

    async remove({ caller, characterId }, id) {
      const { numDeletedRows } = await db
        .deleteFrom('loras')
        .where('caller', '=', caller)
        .where('character_id', '=', characterId)
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}

async function putLora(
  transaction: Transaction<DatabaseSchema>,
  settings: LoraSettings,
): Promise<{ lora: Lora; created: boolean } | undefined> {
  // The lock makes two writers of one character's default take turns.
  const character = await transaction
    .selectFrom('characters')
    .select('id')
    .where('caller', '=', settings.caller)
    .where('id', '=', settings.characterId)
    .forUpdate()
    .executeTakeFirst();
  if (character === undefined) return undefined;

  const isDefault = await decideDefault(transaction, settings);
  const columns = {
    base_model: settings.baseModel,
    trigger_word: settings.triggerWord,
    status: settings.status,
    default_strength: settings.defaultStrength,
    is_default: isDefault,
  };
  const row = await transaction
    .insertInto('loras')
    .values({ caller: settings.caller, character_id: settings.characterId, id: settings.id, ...columns })
    .onConflict((conflict) =>
      conflict
        .columns(['caller', 'character_id', 'id'])
        .doUpdateSet({ ...columns, updated_at: sql<string>`now()` }),
    )
    .returningAll()
    .returning(sql<boolean>`xmax = 0`.as('created'))
    .executeTakeFirstOrThrow();
  return { lora: toLora(row), created: row.created };
}

async function decideDefault(
  transaction: Transaction<DatabaseSchema>,
  { caller, characterId, id, status, isDefault }: LoraSettings,
): Promise<boolean> {
  const current = await transaction
    .selectFrom('loras')
    .select(['id', 'status'])
    .where('caller', '=', caller)
    .where('character_id', '=', characterId)
    .where('is_default', '=', true)
    .executeTakeFirst();
  const isNeeded = status === 'ready' && current?.status !== 'ready';
  const becomesDefault = isDefault ?? (current?.id === id || isNeeded);
  if (becomesDefault && current !== undefined && current.id !== id) {
    await transaction
      .updateTable('loras')
      .set({ is_default: false, updated_at: sql<string>`now()` })
      .where('caller', '=', caller)
      .where('character_id', '=', characterId)
      .where('id', '=', current.id)
      .execute();
  }
  return becomesDefault;
}

function toLora(row: Selectable<LoraTable>): Lora {
  return {
    characterId: row.character_id,
    id: row.id,
    baseModel: row.base_model,
    triggerWord: row.trigger_word,
    status: row.status,
    defaultStrength: row.default_strength,
    isDefault: row.is_default,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
