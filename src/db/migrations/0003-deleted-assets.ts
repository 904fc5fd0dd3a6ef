import { sql, type Kysely, type Migration } from 'kysely';

/** What a caller has deleted stays on its generations, but is no longer the caller's. */
export const deletedAssetsMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw('alter table asset_owners add column deleted_at timestamptz(3)').execute(db);
  },
};
