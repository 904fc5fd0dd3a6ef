import { sql, type Kysely, type Migration } from 'kysely';

/** Every table of the first release. Statuses are checked in code: a new one must not need a table lock. */
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
    origin text not null,
    created_at timestamptz(3) not null default now()
  )`,
  `create table recipes (
    asset_id text not null references assets (id) on delete cascade,
    generation_id text not null,
    slot integer not null,
    recipe jsonb not null,
    created_at timestamptz(3) not null default now(),
    primary key (asset_id, generation_id, slot)
  )`,
  // No reference to characters: what was made and paid stays on record, and a projection must never fail for one.
  `create table generations (
    id text primary key,
    workflow_id text not null unique,
    flow text not null,
    character_id text not null,
    nsfw boolean not null,
    status text not null,
    revision integer not null default 0,
    request jsonb,
    cost_usd numeric(12,6) not null default 0,
    cost_estimated boolean not null default false,
    error jsonb,
    deadline_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    started_at timestamptz(3),
    finished_at timestamptz(3)
  )`,
  `create index generations_newest on generations (created_at desc, id desc)`,
  `create index generations_by_character on generations (character_id, created_at desc, id desc)`,
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
    error jsonb,
    waiting jsonb,
    considered jsonb not null,
    started_at timestamptz(3),
    finished_at timestamptz(3),
    primary key (generation_id, slot)
  )`,
  `create index slots_by_asset on slots (asset_id) where asset_id is not null`,
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
    possible_cost_usd numeric(12,6),
    error_class text,
    error_code text,
    message text,
    certainty text not null,
    provider_request_id text,
    repeats integer,
    last_repeat_at timestamptz(3),
    primary key (generation_id, slot, number),
    foreign key (generation_id, slot) references slots (generation_id, slot) on delete cascade
  )`,
];
