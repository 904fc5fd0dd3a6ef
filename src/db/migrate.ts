import { Migrator, sql, type Migration, type MigrationResultSet } from 'kysely';
import type { Logger } from 'pino';
import { createDatabase, type Database } from './database';
import { initialMigration } from './migrations/0001-initial';
import { callersApartMigration } from './migrations/0002-callers-apart';
import { deletedAssetsMigration } from './migrations/0003-deleted-assets';

/** Listed by hand, not by folder: the list is the same from source and from a build. Names sort in order of age. */
const migrations: Record<string, Migration> = {
  '0001-initial': initialMigration,
  '0002-callers-apart': callersApartMigration,
  '0003-deleted-assets': deletedAssetsMigration,
};

/**
 * Brings the database at `url` up to date; does nothing where it already is. Any number of processes may call it at
 * once: one works, the others wait. Uses a connection of its own, because a migration may outlast statement timeouts.
 *
 * @returns names of the migrations this call ran
 * @throws an error whose `cause` is the database's own; nothing of the failed migration remains
 */
export async function migrate(url: string, logger: Pick<Logger, 'warn'>): Promise<string[]> {
  const db = createDatabase(url, logger, { maxConnections: 2, statementTimeoutMs: 0 });
  try {
    const { error, results = [] } = await bringUpToDate(db).catch((error: unknown): MigrationResultSet => ({
      error,
    }));
    if (error !== undefined) {
      throw new Error(`The database at ${new URL(url).host} could not be migrated: ${messageOf(error)}`, {
        cause: error,
      });
    }
    return results.filter((result) => result.status === 'Success').map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}

async function bringUpToDate(db: Database): Promise<MigrationResultSet> {
  if (await isUpToDate(db)) return {};
  const provider = { getMigrations: async () => ({ ...migrations, ...(await ofLaterReleases(db)) }) };
  return await new Migrator({ db, provider }).migrateToLatest();
}

/** A look of a few milliseconds; the migrator's own takes a tenth of a second, and a killed process shall be back soon. */
async function isUpToDate(db: Database): Promise<boolean> {
  const { rows } = await sql<{ name: string | null }>`select to_regclass('kysely_migration') as name`.execute(
    db,
  );
  if (typeof rows[0]?.name !== 'string') return false;
  const done = new Set(await namesOfDone(db));
  return Object.keys(migrations).every((name) => done.has(name));
}

async function namesOfDone(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return rows.map(({ name }) => name);
}

/**
 * Migrations a later release has run, so that this one starts beside it and after it: a deploy may be half done, or taken
 * back. Holds as long as migrations only add.
 */
async function ofLaterReleases(db: Database): Promise<Record<string, Migration>> {
  const latest = Object.keys(migrations).toSorted().at(-1) ?? '';
  const later = (await namesOfDone(db)).filter((name) => name > latest);
  return Object.fromEntries(later.map((name) => [name, { up: () => Promise.resolve() }]));
}

function messageOf(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError && error.message !== '' ? String(error.message) : String(error);
}
