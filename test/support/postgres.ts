import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '../../local/stack/free-ports';
import {
  postgresUrl,
  preparePostgres,
  waitForPostgres,
  type PostgresProgram,
} from '../../local/stack/postgres';
import { removePostgresHome } from '../../local/stack/postgres-home';

export interface PostgresTestServer {
  /** Process id of the server. */
  pid: number;
  /** Connection URL of a database of this name, created when it does not exist yet. */
  url(database: string): Promise<string>;
  stop(): Promise<void>;
}

const readyTimeoutMs = 60_000;

/** A real PostgreSQL of its own on a free port, its files in a temporary directory that `stop` removes. */
export async function startPostgres(): Promise<PostgresTestServer> {
  const dataDirectory = mkdtempSync(path.join(tmpdir(), 'ryla-generation-postgres-'));
  chmodSync(dataDirectory, 0o755);
  const [port = 0] = await freePorts(1);
  const notes: string[] = [];
  const password = 'of-these-tests';
  const program = await preparePostgres({
    dataDirectory,
    port,
    password,
    fsync: false,
    report: (line) => notes.push(line),
  });
  const child = launch(program);
  const stop = async (): Promise<void> => {
    await end(child);
    removePostgresHome(dataDirectory);
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  const ready = (database: string): Promise<void> =>
    waitForPostgres({ port, password, database }, AbortSignal.timeout(readyTimeoutMs));
  try {
    await ready('postgres');
  } catch (error) {
    await stop();
    throw new Error(`PostgreSQL did not start. ${notes.join('; ')}`, { cause: error });
  }
  return {
    pid: child.pid ?? 0,
    async url(database) {
      await ready(database);
      return postgresUrl({ port, password, database });
    },
    stop,
  };
}

function launch({ file, args, cwd, environment, account }: PostgresProgram): ChildProcess {
  const child = spawn(file, args, { stdio: 'ignore', cwd, env: environment, ...account });
  const dieWithTests = (): void => void child.kill('SIGINT');
  process.once('exit', dieWithTests);
  child.once('exit', () => process.removeListener('exit', dieWithTests));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  await exited;
}
