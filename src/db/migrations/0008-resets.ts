import { sql, type Kysely, type Migration } from 'kysely';

/** Revisions are times (epoch ms), and what a reset or a lost workflow may have paid for has a place of its own. */
export const resetsMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table generations
      alter column revision type bigint,
      add column run_id text,
      add column notices jsonb not null default '[]',
      add column forgotten_usd numeric(12,6) not null default 0`.execute(db);
  },
};
