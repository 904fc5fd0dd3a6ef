import { Migrator, sql } from 'kysely';
import { createDatabase, createGenerationStore, migrate } from '../../src/db';
import { initialMigration } from '../../src/db/migrations/0001-initial';
import { startPostgres, type PostgresTestServer } from '../support/postgres';
import { silentLogger } from './test-database';

let server: PostgresTestServer;

beforeAll(async () => {
  server = await startPostgres();
}, 90_000);

afterAll(() => server.stop());

const laterMigrations = [
  '0002-paid-once',
  '0003-call-latencies',
  '0004-one-unique-key',
  '0005-provider-pauses',
  '0006-settled-jobs',
  '0007-provider-callbacks',
  '0008-resets',
  '0009-provider-apps',
];

describe('migrate', () => {
  it('runs each migration exactly once when several processes start at the same time', async () => {
    const url = await server.url('ryla_generation');

    const ran = await Promise.all([1, 2, 3, 4].map(() => migrate(url, silentLogger)));

    expect(ran.flat()).toEqual(['0001-initial', ...laterMigrations]);
  });

  it('does nothing to a database that is up to date', async () => {
    const url = await server.url('ryla_generation');
    await migrate(url, silentLogger);

    expect(await migrate(url, silentLogger)).toEqual([]);
  });

  it('starts beside a later release that has added to the database', async () => {
    const url = await server.url('later');
    await migrate(url, silentLogger);
    const db = createDatabase(url, silentLogger);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', now())`.execute(db);
    await db.destroy();

    expect(await migrate(url, silentLogger)).toEqual([]);
  });

  it('says what is wrong when the server cannot be reached', async () => {
    await expect(migrate('postgres://nobody@127.0.0.1:1/none', silentLogger)).rejects.toThrow('ECONNREFUSED');
  });

  it('keeps what the release before wrote, and adds up its doubtful costs and engines', async () => {
    const url = await server.url('upgraded');
    const db = createDatabase(url, silentLogger);
    const first = { getMigrations: () => Promise.resolve({ '0001-initial': initialMigration }) };
    const { error } = await new Migrator({ db, provider: first }).migrateToLatest();
    expect(error).toBeUndefined();
    for (const statement of rowsOfTheFirstRelease) await sql.raw(statement).execute(db);

    expect(await migrate(url, silentLogger)).toEqual(laterMigrations);

    expect(await createGenerationStore(db).find('g')).toMatchObject({
      caller: 'default',
      reservedUsd: 0,
      costUsd: 0.02,
      atRiskUsd: 0.05,
      engines: ['/flux-dev'],
      slots: [{ atRiskUsd: 0.05, attempts: [{ atRiskUsd: 0.02 }, { atRiskUsd: 0.03 }] }, { atRiskUsd: 0 }],
    });
    await db.destroy();
  });
});

const asset = 'a'.repeat(64);
const rowsOfTheFirstRelease = [
  `insert into assets (id, media_type, bytes, origin) values ('${asset}', 'image/png', 1, 'generation')`,
  `insert into recipes (asset_id, generation_id, slot, recipe)
    values ('${asset}', 'g', 1, '{"modelId": "modal-flux-dev", "endpoint": "/flux-dev"}')`,
  `insert into generations (id, workflow_id, flow, character_id, nsfw, status, revision, cost_usd)
    values ('g', 'w', 'studio', 'ava', false, 'completed', 3, 0.02)`,
  `insert into slots (generation_id, slot, label, status, identity, seed, cost_usd, cost_estimated, considered)
    select 'g', n, 'front', 'completed', 'none', 1, 0.01, true, '[]' from generate_series(1, 2) n`,
  `insert into attempts (generation_id, slot, number, provider, endpoint, outcome, started_at, seconds, certainty,
      possible_cost_usd)
    values ('g', 1, 1, 'modal', '/flux-dev', 'failed', now(), 1, 'unknown', 0.02),
      ('g', 1, 2, 'modal', '/flux-dev', 'failed', now(), 1, 'unknown', 0.03)`,
];
