import { Client } from 'pg';
import { startPostgres, type PostgresTestServer } from '../support/postgres';

describe('embedded PostgreSQL', () => {
  let server: PostgresTestServer;

  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  it('creates a database the first time it is asked for and keeps it the second time', async () => {
    const first = new Client({ connectionString: await server.url('pictures') });
    await first.connect();
    await first.query('CREATE TABLE kept (n int)');
    await first.end();

    const second = new Client({ connectionString: await server.url('pictures') });
    await second.connect();
    const found = await second.query('SELECT count(*)::int AS n FROM kept');
    await second.end();

    expect(found.rows).toEqual([{ n: 0 }]);
  });
});
