import { sql, type Kysely, type Migration } from 'kysely';

/** Finds the newest calls of an endpoint that made a picture: how long they took decides when a call is slow. */
export const callLatenciesMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index if not exists attempts_made_by_endpoint on attempts (endpoint, started_at desc)
      where outcome = 'succeeded' or error_code = 'overtaken'`.execute(db);
  },
};
