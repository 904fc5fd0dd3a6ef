import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { cacheDirectory } from '../../local/stack/cache-directory';
import type { ProcessPlan } from './kept-process';

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

/**
 * A real Redis that keeps its jobs through a kill (`appendonly`, as BullMQ's guide to production asks): the one on PATH, else
 * one unpacked once from Debian's packages into our cache.
 *
 * @param directory for its file.
 * @throws Error that says how to get one when there is none.
 */
export function planRedis(port: number, directory: string): ProcessPlan {
  const { file, environment } = onPath() ?? unpacked();
  const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', directory];
  return {
    name: 'redis',
    file,
    args: ['--port', String(port), ...settings],
    environment,
    isUp: () => isListening(port),
  };
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
