import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, escapeLiteral } from 'pg';
import { endProcess } from './end-process';
import { postgresAccount, type Account } from './postgres-account';
import { postgresBinaries } from './postgres-binaries';
import { preparePostgresHome } from './postgres-home';
import { hasPostgresPassword, keepPostgresPassword } from './postgres-password';
import { processCommand } from './process-identity';
import { runCommand } from './run-command';

/** Name of the embedded server's only user; it listens on the loopback address alone. */
const user = 'postgres';
const pollMs = 100;
const connectTimeoutMs = 2_000;
const initTimeoutMs = 120_000;

export interface PostgresOptions {
  /** The stack's data directory. */
  dataDirectory: string;
  port: number;
  password: string;
  /** `false` trades safety in a power failure for speed; for tests. Default true. */
  fsync?: boolean;
  report: (line: string) => void;
}

/** How to spawn the server. SIGINT ends it without waiting for its clients. */
export interface PostgresProgram {
  file: string;
  args: string[];
  cwd: string;
  environment: NodeJS.ProcessEnv;
  account: Account | undefined;
}

/** A database on the embedded server. */
export interface PostgresTarget {
  port: number;
  password: string;
  database: string;
}

/** Connection URL of a database on the embedded server; for people to see without the password. */
export function postgresUrl({
  port,
  password,
  database,
}: Omit<PostgresTarget, 'password'> & Partial<PostgresTarget>): string {
  const secret = password === undefined ? '' : `:${password}`;
  return `postgres://${user}${secret}@127.0.0.1:${port}/${database}`;
}

/**
 * Makes the embedded PostgreSQL ready to be spawned: ends a server that a killed stack left on these files, and
 * creates the cluster when there is none. Call it before every start.
 *
 * @throws when PostgreSQL cannot run here; the message says why.
 */
export async function preparePostgres(options: PostgresOptions): Promise<PostgresProgram> {
  const account = postgresAccount();
  const home = preparePostgresHome(options.dataDirectory, account);
  if (home.moved) {
    options.report(
      `postgres: files are in ${home.directory}, because its account may not enter ${options.dataDirectory}`,
    );
  }
  const programs = postgresBinaries(home.directory, account);
  const data = path.join(home.directory, 'data');
  const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  const place = { programs, data, cwd: home.directory, account, environment };
  await endLeftover(data, options.report);
  if (!existsSync(path.join(data, 'PG_VERSION'))) await createCluster(place, options);
  else if (!hasPostgresPassword(options.dataDirectory)) await replacePassword(place, options);
  keepPostgresPassword(options.dataDirectory, options.password);
  return {
    file: path.join(programs, 'bin', 'postgres'),
    args: serverArguments(data, options),
    cwd: home.directory,
    environment,
    account,
  };
}

interface Place {
  programs: string;
  data: string;
  cwd: string;
  account: Account | undefined;
  environment: NodeJS.ProcessEnv;
}

function serverArguments(data: string, { port, fsync }: PostgresOptions): string[] {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  if (fsync === false) settings.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  return ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
}

/** A cluster appears complete or not at all, so a kill in the middle is mended by the next start. */
async function createCluster(
  { programs, data, cwd, account, environment }: Place,
  options: PostgresOptions,
): Promise<void> {
  const draft = `${data}.new`;
  const password = path.join(cwd, 'password');
  rmSync(draft, { recursive: true, force: true });
  rmSync(password, { force: true });
  writeFileSync(password, `${options.password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(password, account.uid, account.gid);
  const result = await runCommand(
    path.join(programs, 'bin', 'initdb'),
    ['--pgdata', draft, '--username', user, '--pwfile', password, '--auth=scram-sha-256'].concat(
      '--encoding=UTF8',
      '--locale=C',
      ...(options.fsync === false ? ['--no-sync'] : []),
    ),
    { environment, cwd, uid: account?.uid, gid: account?.gid, timeoutMs: initTimeoutMs },
  );
  rmSync(password, { force: true });
  if (!result.ok) throw new Error(`PostgreSQL's initdb ${result.problem}: ${result.output.slice(-500)}`);
  renameSync(draft, data);
}

/** For a cluster of an earlier version, or whose data directory was deleted: nobody can ask the server without it. */
async function replacePassword(
  { programs, data, cwd, account, environment }: Place,
  { password }: PostgresOptions,
): Promise<void> {
  const result = await runCommand(
    path.join(programs, 'bin', 'postgres'),
    ['--single', '-D', data, 'postgres'],
    {
      environment,
      cwd,
      uid: account?.uid,
      gid: account?.gid,
      timeoutMs: initTimeoutMs,
      input: `ALTER ROLE ${user} PASSWORD ${escapeLiteral(password)};\n`,
    },
  );
  if (!result.ok)
    throw new Error(`PostgreSQL's files cannot be used: it ${result.problem}: ${result.output.slice(-500)}`);
}

/** After a kill -9 of the stack its server may still run on these files, and a second one would refuse to start. */
async function endLeftover(data: string, report: (line: string) => void): Promise<void> {
  const pidFile = path.join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  if (Number.isInteger(pid) && processCommand(pid).includes(data)) {
    report(`postgres: ending process ${pid}, left behind on ${data}`);
    await endProcess(pid, 'SIGINT');
  }
  rmSync(pidFile, { force: true });
}

/**
 * Resolves when the server answers and has the database, which is created when missing.
 *
 * @throws the signal's reason when aborted first.
 */
export async function waitForPostgres(target: PostgresTarget, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await isReady(target)) return;
    await delay(pollMs, undefined, { signal });
  }
}

async function isReady(target: PostgresTarget): Promise<boolean> {
  const client = new Client({
    connectionString: postgresUrl({ ...target, database: 'postgres' }),
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: connectTimeoutMs,
  });
  // Without a listener a server that dies now would end this process too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [target.database]);
    if (found.rowCount === 0)
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(target.database)}`);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
