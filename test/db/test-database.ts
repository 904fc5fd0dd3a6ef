import { pino } from 'pino';
import { createDatabase, migrate, type Database } from '../../src/db';
import { startPostgres } from '../support/postgres';

export const silentLogger = pino({ level: 'silent' });

export interface TestDatabase {
  db: Database;
  url: string;
  close(): Promise<void>;
}

/** A migrated database on a PostgreSQL of its own. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const server = await startPostgres();
  const url = await server.url('ryla_generation');
  await migrate(url, silentLogger);
  const db = createDatabase(url, silentLogger);
  return {
    db,
    url,
    async close() {
      await db.destroy();
      await server.stop();
    },
  };
}
