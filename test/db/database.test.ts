import { sql } from 'kysely';
import { createDatabase, isDatabaseUnavailable, migrate, type Database } from '../../src/db';
import { startPostgres } from '../support/postgres';
import { startSilentServer } from '../support/silent-server';
import { silentLogger } from './test-database';

async function failureOf(query: Promise<unknown>): Promise<{ error: unknown; seconds: number }> {
  const started = performance.now();
  const error: unknown = await query.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, seconds: (performance.now() - started) / 1000 };
}

describe('a database that cannot be used', () => {
  it('fails at once when nobody listens', async () => {
    const db = createDatabase('postgres://nobody@127.0.0.1:1/none', silentLogger);

    const { error, seconds } = await failureOf(sql`select 1`.execute(db));

    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(seconds).toBeLessThan(1);
    await db.destroy();
  });

  it('fails within five seconds when the server never answers', async () => {
    const silent = await startSilentServer();
    const db = createDatabase(`postgres://nobody@127.0.0.1:${silent.port}/none`, silentLogger);

    const { error, seconds } = await failureOf(sql`select 1`.execute(db));

    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(seconds).toBeLessThan(5);
    await db.destroy();
    await silent.close();
  });
});

describe('on a real server', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  let db: Database;

  beforeAll(async () => {
    server = await startPostgres();
    db = createDatabase(await server.url('ryla_generation'), silentLogger, { statementTimeoutMs: 300 });
  }, 90_000);

  afterAll(async () => {
    await db.destroy();
    await server.stop();
  });

  it('reads money and big integers as numbers and times as ISO strings', async () => {
    const { rows } = await sql`
      select 0.012345::numeric(12,6) as money, 4294967295::bigint as seed,
        '2026-01-02 03:04:05.678+02'::timestamptz as moment`.execute(db);

    expect(rows).toEqual([{ money: 0.012345, seed: 4_294_967_295, moment: '2026-01-02T01:04:05.678Z' }]);
  });

  it('ends a statement that takes too long', async () => {
    const { error } = await failureOf(sql`select pg_sleep(5)`.execute(db));

    expect(isDatabaseUnavailable(error)).toBe(true);
  });

  it('counts missing tables as unavailable: migrations may be under way', async () => {
    const { error } = await failureOf(db.selectFrom('generations').selectAll().execute());

    expect(isDatabaseUnavailable(error)).toBe(true);
  });

  it('does not count a wrong query as unavailable', async () => {
    await migrate(await server.url('ryla_generation'), silentLogger);
    const { error } = await failureOf(sql`select nonsense from generations`.execute(db));

    expect(error).toBeInstanceOf(Error);
    expect(isDatabaseUnavailable(error)).toBe(false);
  });

  it('survives its server being killed under a running query, and says so', async () => {
    const query = failureOf(
      db.connection().execute(async (connection) => {
        await sql`set statement_timeout = 0`.execute(connection);
        process.kill(server.pid, 'SIGINT');
        await sql`select pg_sleep(10)`.execute(connection);
      }),
    );

    expect(isDatabaseUnavailable((await query).error)).toBe(true);
    const { error } = await failureOf(sql`select 1`.execute(db));
    expect(isDatabaseUnavailable(error)).toBe(true);
  });
});
