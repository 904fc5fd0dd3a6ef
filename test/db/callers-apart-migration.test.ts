import { sql } from 'kysely';
import {
  createAssetRecords,
  createCharacterStore,
  createDatabase,
  createLoraStore,
  migrate,
} from '../../src/db';
import { initialMigration } from '../../src/db/migrations/0001-initial';
import { startPostgres, type PostgresTestServer } from '../support/postgres';
import { silentLogger } from './test-database';

let server: PostgresTestServer;

beforeAll(async () => {
  server = await startPostgres();
}, 90_000);

afterAll(() => server.stop());

const upload = 'a'.repeat(64);

/** A database of the first release, in which one app and one nameless caller have used a character of the same name. */
async function earlierDatabase(): Promise<string> {
  const url = await server.url('earlier');
  const db = createDatabase(url, silentLogger);
  await initialMigration.up(db);
  // As kysely's own migrator notes it.
  await sql`create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)`.execute(
    db,
  );
  await sql`insert into kysely_migration values ('0001-initial', '2026-01-01T00:00:00.000Z')`.execute(db);
  await sql`insert into characters (id, name) values ('ava', 'Ava'), ('bea', 'Bea')`.execute(db);
  await sql`insert into loras (character_id, id, base_model, trigger_word, status, default_strength, is_default)
    values ('ava', 'ava1', 'flux', 'avaperson', 'ready', 1, true)`.execute(db);
  await sql`insert into assets (id, media_type, bytes, origin) values (${upload}, 'image/png', 1, 'upload')`.execute(
    db,
  );
  const request = JSON.stringify({ flow: 'studio', request: {}, assets: { reference: { assetId: upload } } });
  await sql`insert into generations (id, workflow_id, flow, caller, character_id, nsfw, status, request)
    values ('g1', 'w1', 'studio', 'mobile-app', 'ava', false, 'completed', ${request}),
      ('g2', 'w2', 'base-images', 'mobile-app', 'ava', false, 'completed', null)`.execute(db);
  await db.destroy();
  return url;
}

it('leaves what was there to default, and to every caller that has used it', async () => {
  const url = await earlierDatabase();
  expect(await migrate(url, silentLogger)).toEqual(['0002-callers-apart', '0003-deleted-assets']);

  const db = createDatabase(url, silentLogger);
  const ids = async (caller: string) => {
    const items = await createCharacterStore(db).list({ caller, limit: 9 });
    return items.map(({ id }) => id);
  };
  expect([await ids('default'), await ids('mobile-app'), await ids('else')]).toEqual([
    ['ava', 'bea'],
    ['ava'],
    [],
  ]);
  for (const caller of ['default', 'mobile-app']) {
    expect(await createLoraStore(db).list({ caller, characterId: 'ava' })).toMatchObject([
      { id: 'ava1', isDefault: true },
    ]);
    expect(await createAssetRecords(db).belongsTo(caller, upload)).toBe(true);
  }
  expect(await createAssetRecords(db).belongsTo('else', upload)).toBe(false);
  await db.destroy();
});
