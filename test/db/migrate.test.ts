import { sql } from 'kysely';
import { createDatabase, migrate } from '../../src/db';
import { startPostgres, type PostgresTestServer } from '../support/postgres';
import { silentLogger } from './test-database';

let server: PostgresTestServer;

beforeAll(async () => {
  server = await startPostgres();
}, 90_000);

afterAll(() => server.stop());

describe('migrate', () => {
  it('runs each migration exactly once when several processes start at the same time', async () => {
    const url = await server.url('ryla_generation');

    const ran = await Promise.all([1, 2, 3, 4].map(() => migrate(url, silentLogger)));

    expect(ran.flat()).toEqual(['0001-initial', '0002-callers-apart', '0003-deleted-assets']);
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
});
