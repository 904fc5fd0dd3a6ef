import { sql } from 'kysely';
import type { Database } from './database';

export interface Character {
  id: string;
  name: string | null;
  createdAt: string;
  updatedAt: string;
}

/** Each caller has characters of its own; ids of two callers may be equal. */
export interface CharacterStore {
  /** Creates the character, or renames it. `created` tells which. */
  put(character: {
    caller: string;
    id: string;
    name: string | null;
  }): Promise<{ character: Character; created: boolean }>;
  get(caller: string, id: string): Promise<Character | undefined>;
  /** By id, ascending, after `afterId`. */
  list(page: { caller: string; limit: number; afterId?: string | undefined }): Promise<Character[]>;
}

export function createCharacterStore(db: Database): CharacterStore {
  return {
    async put({ caller, id, name }) {
      const row = await db
        .insertInto('characters')
        .values({ caller, id, name })
        .onConflict((conflict) =>
          conflict.columns(['caller', 'id']).doUpdateSet({ name, updated_at: sql<string>`now()` }),
        )
        .returningAll()
        // PostgreSQL marks a row that replaced another one; there is no other way to tell insert from update.
        .returning(sql<boolean>`xmax = 0`.as('created'))
        .executeTakeFirstOrThrow();
      return { character: toCharacter(row), created: row.created };
    },

    async get(caller, id) {
      const own = db.selectFrom('characters').selectAll().where('caller', '=', caller);
      const row = await own.where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toCharacter(row);
    },

    async list({ caller, limit, afterId }) {
      const own = db.selectFrom('characters').selectAll().where('caller', '=', caller);
      const all = own.orderBy('id').limit(limit);
      const rows = await (afterId === undefined ? all : all.where('id', '>', afterId)).execute();
      return rows.map(toCharacter);
    },
  };
}

function toCharacter(row: {
  id: string;
  name: string | null;
  created_at: string;
  updated_at: string;
}): Character {
  return { id: row.id, name: row.name, createdAt: row.created_at, updatedAt: row.updated_at };
}
