import { Kysely, PostgresDialect } from 'kysely';
import { Pool, TypeOverrides, types } from 'pg';
import type { Logger } from 'pino';
import type { DatabaseSchema } from './schema';

export type Database = Kysely<DatabaseSchema>;

export interface DatabaseOptions {
  /** Default 10. A caller that finds all of them busy for 3 s gets an error. */
  maxConnections?: number;
  /** Longest time one statement may take; 0 = no limit. Default 4000. */
  statementTimeoutMs?: number;
}

const connectTimeoutMs = 3000;
/** Behind the server's own limit: ends the wait when the server no longer answers at all. */
const unansweredMarginMs = 500;

/**
 * Opens a pool on PostgreSQL. Connects lazily, so this never fails for a server that is down; the first query does,
 * within 3 s. Money and big integers are read as numbers, times as ISO 8601 strings. End it with `destroy()`.
 */
export function createDatabase(
  url: string,
  logger: Pick<Logger, 'warn'>,
  { maxConnections = 10, statementTimeoutMs = 4000 }: DatabaseOptions = {},
): Database {
  const limits = statementTimeoutMs === 0 ? {} : limitsOf(statementTimeoutMs);
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: 'ryla-generation',
    types: numbersAndIsoTimes(),
    ...limits,
  });
  const onConnectionLost = (error: Error): void => {
    logger.warn({ err: error }, 'a database connection was lost');
  };
  pool.on('error', onConnectionLost);
  // The pool stops listening while a client is checked out; an 'error' event then would end the process.
  pool.on('connect', (client) => client.on('error', onConnectionLost));
  return new Kysely<DatabaseSchema>({ dialect: new PostgresDialect({ pool }) });
}

function limitsOf(statementTimeoutMs: number): { statement_timeout: number; query_timeout: number } {
  return { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs + unansweredMarginMs };
}

function numbersAndIsoTimes(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(types.builtins.INT8, Number);
  overrides.setTypeParser(types.builtins.NUMERIC, Number);
  overrides.setTypeParser(types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());
  return overrides;
}
