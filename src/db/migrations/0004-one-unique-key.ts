import { sql, type Kysely, type Migration } from 'kysely';

/**
 * A workflow id holds its generation's id, so it needs no promise of its own to be unique. With two, a first state that
 * is written twice at once fails: `on conflict` looks at one key only.
 */
export const oneUniqueKeyMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table generations drop constraint if exists generations_workflow_id_key`.execute(db);
  },
};
