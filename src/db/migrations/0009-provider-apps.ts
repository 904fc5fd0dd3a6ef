import { sql, type Kysely, type Migration } from 'kysely';

/** Which apps of a provider give their jobs a name: workers are told, and the API shows it. */
export const providerAppsMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table provider_apps (
      task_queue text not null,
      provider text not null,
      app text not null,
      named_jobs boolean not null,
      told_at timestamptz(3) not null default now(),
      primary key (task_queue, provider, app)
    )`.execute(db);
  },
};
