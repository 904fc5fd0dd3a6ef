import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { freePorts } from '../../local/stack/free-ports';
import { preparePostgres, waitForPostgres } from '../../local/stack/postgres';
import { removePostgresHome } from '../../local/stack/postgres-home';
import { postgresService } from '../../local/stack/services';
import { emulatorPorts } from '../../local/stack/stack-options';
import type { Service } from '../../local/stack/service';
import { createSupervisor } from '../../local/stack/supervisor';
import { recordLog, scratchDirectory, untilGone, type ScratchDirectory } from './fake-service';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const found = await client.query<Record<string, unknown>>(text);
  await client.end();
  return found.rows;
}

describe('embedded PostgreSQL', () => {
  let scratch: ScratchDirectory;

  beforeEach(() => {
    scratch = scratchDirectory();
    chmodSync(scratch.path, 0o755);
  });
  afterEach(() => {
    removePostgresHome(scratch.path);
    scratch[Symbol.dispose]();
  });

  function embedded(port: number): { service: Service; url: string } {
    return postgresService({
      projectDirectory: scratch.path,
      dataDirectory: scratch.path,
      ports: { api: 0, temporal: 0, temporalUi: 0, postgres: port, emulator: emulatorPorts(1) },
      environment: {},
      logger: recordLog().logger,
    });
  }

  async function whileRunning<T>(service: Service, work: () => Promise<T>): Promise<T> {
    const supervisor = createSupervisor({
      services: [service],
      dataDirectory: scratch.path,
      logger: recordLog().logger,
    });
    try {
      await supervisor.start();
      return await work();
    } finally {
      await supervisor.stop();
    }
  }

  it('has a password of its own that only its owner can read, and keeps its data when that file is lost', async () => {
    const [port = 0] = await freePorts(1);
    const passwordFile = path.join(scratch.path, 'postgres-password');
    const first = embedded(port);
    await whileRunning(first.service, () => query(first.url, 'CREATE TABLE kept AS SELECT 7 AS n'));
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    expect(first.url).toContain(readFileSync(passwordFile, 'utf8').trim());
    await expect(
      whileRunning(embedded(port).service, () =>
        query(`postgres://postgres:postgres@127.0.0.1:${port}/ryla_generation`, 'SELECT 1'),
      ),
    ).rejects.toThrow('password authentication failed');

    rmSync(passwordFile);
    const second = embedded(port);

    expect(second.url).not.toBe(first.url);
    expect(await whileRunning(second.service, () => query(second.url, 'SELECT n FROM kept'))).toEqual([
      { n: 7 },
    ]);
  });

  it('comes back after kill -9 with everything that was committed', async () => {
    const [port = 0] = await freePorts(1);
    const log = recordLog();
    const { service, url } = postgresService({
      projectDirectory: scratch.path,
      dataDirectory: scratch.path,
      ports: { api: 0, temporal: 0, temporalUi: 0, postgres: port, emulator: emulatorPorts(1) },
      environment: {},
      logger: log.logger,
    });
    const supervisor = createSupervisor({
      services: [service],
      dataDirectory: scratch.path,
      logger: log.logger,
    });
    try {
      await supervisor.start();
      await query(url, 'CREATE TABLE kept AS SELECT 7 AS n');
      process.kill(supervisor.pids()['postgres'] ?? 0, 'SIGKILL');
      await log.until('postgres is back');

      expect(await query(url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    } finally {
      await supervisor.stop();
    }
  });

  it('ends a server that an earlier, killed stack left on the same files', async () => {
    const [port = 0] = await freePorts(1);
    const notes: string[] = [];
    const options = {
      dataDirectory: scratch.path,
      port,
      password: 'of-this-test',
      fsync: false,
      report: (line: string) => notes.push(line),
    };
    const { file, args, cwd, environment, account } = await preparePostgres(options);
    const leftover = spawn(file, args, { stdio: 'ignore', cwd, env: environment, ...account });
    const exited = once(leftover, 'exit');
    await waitForPostgres(
      { port, password: 'of-this-test', database: 'postgres' },
      AbortSignal.timeout(20_000),
    );

    await preparePostgres(options);

    await exited;
    await untilGone(leftover.pid ?? 0);
    expect(notes.at(-1)).toContain(`ending process ${leftover.pid ?? 0}, left behind on`);
  });
});
