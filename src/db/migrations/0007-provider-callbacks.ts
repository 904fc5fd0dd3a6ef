import { sql, type Kysely, type Migration } from 'kysely';

/** What a provider's call-backs told: which of its requests is which job of ours, also when no worker is left to know. */
export const providerCallbacksMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table if not exists provider_callbacks (
      provider text not null,
      request_id text not null,
      job_key text not null,
      status text not null,
      signed_at timestamptz(3) not null,
      received_at timestamptz(3) not null default now(),
      primary key (provider, request_id)
    )`.execute(db);
    await sql`create index if not exists provider_callbacks_by_job on provider_callbacks (provider, job_key)`.execute(
      db,
    );
    await sql`create index if not exists attempts_by_request on attempts (provider, provider_request_id)
      where provider_request_id is not null`.execute(db);
  },
};
