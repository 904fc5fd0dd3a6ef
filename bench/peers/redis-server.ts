import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheDirectory } from '../../src/stack/cache-directory';

/** A real Redis on a free port, without persistence: nothing here ever kills it. */
export interface RedisServer {
  port: number;
  stop(): void;
}

/** Debian's packages of the server and the libraries that are its own. */
const packages = [
  'redis-server',
  'redis-tools',
  'libjemalloc2',
  'liblzf1',
  'libhiredis0.14',
  'liblua5.1-0',
  'lua-bitop',
  'lua-cjson',
  'libatomic1',
];
const readyMs = 10_000;

/**
 * Starts `redis-server`: the one on PATH, else one unpacked once from Debian's packages into our cache.
 *
 * @throws Error that says how to get one when there is none.
 */
export async function startRedis(port: number): Promise<RedisServer> {
  const program = onPath() ?? unpacked();
  const child = spawn(program.file, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    env: { ...process.env, ...program.environment },
    stdio: 'ignore',
  });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  await untilListening(port, child);
  return { port, stop };
}

interface Program {
  file: string;
  environment: NodeJS.ProcessEnv;
}

function onPath(): Program | undefined {
  const found = spawnSync('redis-server', ['--version']).status === 0;
  return found ? { file: 'redis-server', environment: {} } : undefined;
}

function unpacked(): Program {
  const directory = path.join(cacheDirectory(process.env), 'redis');
  const file = path.join(directory, 'usr/bin/redis-server');
  if (!existsSync(file)) unpackInto(directory);
  const libraries = path.join(directory, 'usr/lib');
  const folders = readdirSync(libraries).map((name) => path.join(libraries, name));
  return { file, environment: { LD_LIBRARY_PATH: folders.join(':') } };
}

function unpackInto(directory: string): void {
  const downloads = path.join(directory, 'packages');
  mkdirSync(downloads, { recursive: true });
  run('apt-get', ['download', ...packages], downloads);
  for (const name of readdirSync(downloads))
    run('dpkg-deb', ['-x', path.join(downloads, name), directory], downloads);
  rmSync(downloads, { recursive: true });
}

function run(file: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(
    `The BullMQ peer needs redis-server on PATH: install Redis. (${file}: ${stderr.trim().slice(0, 300)})`,
  );
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const giveUpAt = Date.now() + readyMs;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error('redis-server did not start');
    await delay(50);
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
