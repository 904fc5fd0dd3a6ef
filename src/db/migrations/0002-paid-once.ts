import { sql, type Kysely, type Migration } from 'kysely';

/** Callers and their money, idempotency keys, recipes found by hash, and what is known of the providers' health. */
export const paidOnceMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  `alter table generations
    add column caller text not null default 'default',
    add column reserved_usd numeric(12,6) not null default 0,
    add column at_risk_usd numeric(12,6) not null default 0,
    add column engines jsonb not null default '[]',
    add column parent_generation_id text,
    add column parent_slot integer,
    add column starts integer not null default 1,
    add column start_asked_at timestamptz(3) not null default now()`,
  `create index generations_by_caller on generations (caller, created_at)`,
  `alter table slots
    add column at_risk_usd numeric(12,6) not null default 0,
    add column decision jsonb,
    add column reused boolean`,
  `create index slots_waiting on slots (generation_id) where status = 'waiting'`,
  `alter table attempts rename column possible_cost_usd to at_risk_usd`,
  `update slots set at_risk_usd = doubtful.usd
    from (
      select generation_id, slot, sum(at_risk_usd) as usd
      from attempts where at_risk_usd is not null group by generation_id, slot
    ) doubtful
    where doubtful.generation_id = slots.generation_id and doubtful.slot = slots.slot`,
  `update generations set at_risk_usd = doubtful.usd
    from (select generation_id, sum(at_risk_usd) as usd from slots group by generation_id) doubtful
    where doubtful.generation_id = generations.id`,
  `update generations set engines = made.engines
    from (
      select generation_id, jsonb_agg(distinct recipe ->> 'endpoint') as engines
      from recipes group by generation_id
    ) made
    where made.generation_id = generations.id`,
  `alter table assets add column perceptual_hash text`,
  `alter table recipes add column recipe_hash text`,
  `create index recipes_by_hash on recipes (recipe_hash, created_at desc) where recipe_hash is not null`,
  `create table idempotency_keys (
    caller text not null,
    key text not null,
    request_hash text not null,
    generation_id text not null references generations (id) on delete cascade,
    created_at timestamptz(3) not null default now(),
    primary key (caller, key)
  )`,
  `create index idempotency_keys_by_age on idempotency_keys (created_at)`,
  `create index idempotency_keys_by_generation on idempotency_keys (generation_id)`,
  `create table provider_health (
    task_queue text not null,
    provider text not null,
    state text not null,
    since timestamptz(3) not null,
    reason text,
    next_probe_at timestamptz(3),
    parked_jobs integer,
    updated_at timestamptz(3) not null default now(),
    primary key (task_queue, provider)
  )`,
];
