import { sql, type Kysely, type Migration } from 'kysely';

/** Until when a provider asked not to be called (`Retry-After`): every worker keeps to what one of them was told. */
export const providerPausesMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table provider_pauses (
      task_queue text not null,
      provider text not null,
      until timestamptz(3) not null,
      primary key (task_queue, provider)
    )`.execute(db);
  },
};
