import { sql, type Kysely, type Migration } from 'kysely';

/** Which provider job an attempt was about, how it was billed, and pictures that came late. */
export const settledJobsMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  `alter table attempts add column job_key text, add column billing jsonb`,
  `alter table generations
    add column extras jsonb not null default '[]',
    add column unsettled_jobs integer not null default 0`,
];
