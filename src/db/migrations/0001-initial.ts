import { sql, type Kysely, type Migration } from 'kysely';

/** Every table. Statuses are checked in code: a new one must not need a table lock. */
export const initialMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  `create table characters (
    id text primary key,
    name text,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now()
  )`,
  `create table loras (
    character_id text not null references characters (id) on delete cascade,
    id text not null,
    base_model text not null,
    trigger_word text not null,
    status text not null,
    default_strength double precision not null,
    is_default boolean not null,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (character_id, id)
  )`,
  `create unique index loras_one_default on loras (character_id) where is_default`,
  `create table assets (
    id text primary key,
    media_type text not null,
    bytes bigint not null,
    width integer,
    height integer,
    frames integer,
    perceptual_hash text,
    origin text not null,
    created_at timestamptz(3) not null default now()
  )`,
  `create table recipes (
    asset_id text not null references assets (id) on delete cascade,
    generation_id text not null,
    slot integer not null,
    recipe jsonb not null,
    recipe_hash text,
    created_at timestamptz(3) not null default now(),
    primary key (asset_id, generation_id, slot)
  )`,
  `create index recipes_by_hash on recipes (recipe_hash, created_at desc) where recipe_hash is not null`,
  // No reference to characters: what was made and paid stays on record, and a projection must never fail for one. A workflow
  // id holds its generation's id, so it needs no promise of its own to be unique; `on conflict` looks at one key only.
  `create table generations (
    id text primary key,
    workflow_id text not null,
    run_id text,
    flow text not null,
    caller text not null default 'default',
    character_id text not null,
    nsfw boolean not null,
    status text not null,
    -- Epoch ms of the change.
    revision bigint not null default 0,
    request jsonb,
    parent_generation_id text,
    parent_slot integer,
    engines jsonb not null default '[]',
    extras jsonb not null default '[]',
    notices jsonb not null default '[]',
    unsettled_jobs integer not null default 0,
    reserved_usd numeric(12,6) not null default 0,
    cost_usd numeric(12,6) not null default 0,
    cost_estimated boolean not null default false,
    at_risk_usd numeric(12,6) not null default 0,
    forgotten_usd numeric(12,6) not null default 0,
    error jsonb,
    starts integer not null default 1,
    start_asked_at timestamptz(3) not null default now(),
    deadline_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    started_at timestamptz(3),
    finished_at timestamptz(3)
  )`,
  `create index generations_newest on generations (created_at desc, id desc)`,
  `create index generations_by_character on generations (character_id, created_at desc, id desc)`,
  `create index generations_by_caller on generations (caller, created_at)`,
  `create table slots (
    generation_id text not null references generations (id) on delete cascade,
    slot integer not null,
    label text not null,
    status text not null,
    provider text,
    endpoint text,
    identity text not null,
    seed bigint not null,
    asset_id text references assets (id),
    cost_usd numeric(12,6) not null,
    cost_estimated boolean not null,
    at_risk_usd numeric(12,6) not null default 0,
    reused boolean,
    error jsonb,
    waiting jsonb,
    decision jsonb,
    considered jsonb not null,
    started_at timestamptz(3),
    finished_at timestamptz(3),
    primary key (generation_id, slot)
  )`,
  `create index slots_by_asset on slots (asset_id) where asset_id is not null`,
  `create index slots_waiting on slots (generation_id) where status = 'waiting'`,
  `create table attempts (
    generation_id text not null,
    slot integer not null,
    number integer not null,
    provider text not null,
    endpoint text not null,
    outcome text not null,
    started_at timestamptz(3) not null,
    seconds double precision not null,
    cost_usd numeric(12,6),
    cost_estimated boolean,
    at_risk_usd numeric(12,6),
    billing jsonb,
    error_class text,
    error_code text,
    message text,
    certainty text not null,
    job_key text,
    provider_request_id text,
    repeats integer,
    last_repeat_at timestamptz(3),
    primary key (generation_id, slot, number),
    foreign key (generation_id, slot) references slots (generation_id, slot) on delete cascade
  )`,
  // The newest calls of an endpoint that made a picture: how long they took decides when a call is slow.
  `create index attempts_made_by_endpoint on attempts (endpoint, started_at desc)
    where outcome = 'succeeded' or error_code = 'overtaken'`,
  `create index attempts_by_request on attempts (provider, provider_request_id)
    where provider_request_id is not null`,
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
  // Until when a provider asked not to be called: every worker keeps to what one of them was told.
  `create table provider_pauses (
    task_queue text not null,
    provider text not null,
    until timestamptz(3) not null,
    primary key (task_queue, provider)
  )`,
  // Which of a provider's requests is which job of ours, as its call-backs and the answers to our submits said.
  `create table provider_callbacks (
    provider text not null,
    request_id text not null,
    job_key text not null,
    status text not null,
    signed_at timestamptz(3) not null,
    received_at timestamptz(3) not null default now(),
    primary key (provider, request_id)
  )`,
  `create index provider_callbacks_by_job on provider_callbacks (provider, job_key)`,
  // Which apps of a provider give their jobs a name: workers are told, and the API shows it.
  `create table provider_apps (
    task_queue text not null,
    provider text not null,
    app text not null,
    named_jobs boolean not null,
    told_at timestamptz(3) not null default now(),
    primary key (task_queue, provider, app)
  )`,
];
