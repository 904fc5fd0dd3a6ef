import { sql, type Kysely, type Migration } from 'kysely';

/**
 * Whose everything is, keys, and the audit table. What was there belongs to `default`, and to every caller that has used
 * it: nobody loses a character or an upload by the update.
 */
export const callersApartMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  `alter table loras drop constraint loras_character_id_fkey`,
  `alter table characters add column caller text not null default 'default'`,
  `alter table characters drop constraint characters_pkey, add primary key (caller, id)`,
  `alter table loras add column caller text not null default 'default'`,
  `alter table loras drop constraint loras_pkey, add primary key (caller, character_id, id)`,
  `drop index loras_one_default`,
  `create unique index loras_one_default on loras (caller, character_id) where is_default`,
  `insert into characters (caller, id, name, created_at, updated_at)
    select distinct g.caller, c.id, c.name, c.created_at, c.updated_at
    from characters c join generations g on g.character_id = c.id
    on conflict do nothing`,
  `insert into loras (caller, character_id, id, base_model, trigger_word, status, default_strength, is_default,
      created_at, updated_at)
    select c.caller, l.character_id, l.id, l.base_model, l.trigger_word, l.status, l.default_strength, l.is_default,
      l.created_at, l.updated_at
    from loras l join characters c on c.id = l.character_id
    on conflict do nothing`,
  `alter table loras add foreign key (caller, character_id) references characters (caller, id) on delete cascade`,
  // Lists are of one caller now.
  `drop index generations_newest`,
  `drop index generations_by_character`,
  `create index generations_newest_of_caller on generations (caller, created_at desc, id desc)`,
  `create index generations_of_character on generations (caller, character_id, created_at desc, id desc)`,
  // Who uploaded an asset, or was shown it before it was noted. Whose generation made it is read off slots and recipes.
  // No reference to assets: a picture is shown a moment before it is noted.
  `create table asset_owners (
    asset_id text not null,
    caller text not null,
    created_at timestamptz(3) not null default now(),
    primary key (asset_id, caller)
  )`,
  `insert into asset_owners (asset_id, caller) select id, 'default' from assets where origin = 'upload'`,
  `insert into asset_owners (asset_id, caller)
    select distinct used.asset ->> 'assetId', g.caller
    from generations g
    cross join lateral jsonb_each(coalesce(g.request -> 'assets', '{}')) as used (role, asset)
    where used.asset ->> 'assetId' is not null
    on conflict do nothing`,
  `create table api_keys (
    id text primary key,
    caller text not null,
    name text not null,
    -- SHA-256, hex. Secrets are 256 random bits, which nobody can guess: a slow hash would only slow every request down.
    secret_hash text not null,
    scopes text[] not null,
    created_at timestamptz(3) not null default now(),
    expires_at timestamptz(3),
    last_used_at timestamptz(3),
    revoked_at timestamptz(3)
  )`,
  `create table audit_entries (
    id bigint generated always as identity primary key,
    at timestamptz(3) not null default now(),
    caller text,
    key_id text,
    action text not null,
    subject text not null,
    code text,
    request_id text
  )`,
  `create index audit_entries_of_caller on audit_entries (caller, id desc)`,
];
