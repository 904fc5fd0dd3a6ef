import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { accountCan, type Account } from './postgres-account';
import { processCommand } from './process-identity';

/** Directory for what cannot stay in a checkout that PostgreSQL's account may not enter; outlives a reboot. */
const reachableRoot = '/var/tmp';
/** In a moved home: the data directory it belongs to. */
const originFile = 'origin';
/** A home that does not say whose it is was left half made, or by a version before `origin`. */
const nobodysAfterMs = 7 * 24 * 3600 * 1000;

export interface PostgresHome {
  /** Holds the database files, and a copy of the programs where that is needed. Owned by the account. */
  directory: string;
  /** Whether it lies outside the data directory because the account cannot reach that. */
  moved: boolean;
}

/**
 * Where PostgreSQL keeps its files: `<dataDirectory>/postgres`, or a directory of its own under /var/tmp when we are
 * root and the checkout lies under a directory that is closed to PostgreSQL's account (/root, `mktemp -d`).
 * The directory exists afterwards.
 */
export function preparePostgresHome(dataDirectory: string, account: Account | undefined): PostgresHome {
  const directory = path.join(dataDirectory, 'postgres');
  mkdirSync(directory, { recursive: true });
  if (account === undefined) return { directory, moved: false };
  chownSync(directory, account.uid, account.gid);
  if (accountCan(account, 'w', directory)) return { directory, moved: false };
  const elsewhere = movedHome(dataDirectory);
  makeOwnDirectory(path.dirname(elsewhere));
  removeOrphans(path.dirname(elsewhere));
  mkdirSync(elsewhere, { recursive: true });
  writeFileSync(path.join(elsewhere, originFile), path.resolve(dataDirectory));
  chownSync(elsewhere, account.uid, account.gid);
  return { directory: elsewhere, moved: true };
}

/** Removes all database files of this data directory. The server must be down. */
export function removePostgresHome(dataDirectory: string): void {
  rmSync(path.join(dataDirectory, 'postgres'), { recursive: true, force: true });
  rmSync(movedHome(dataDirectory), { recursive: true, force: true });
}

function movedHome(dataDirectory: string): string {
  const name = createHash('sha256').update(path.resolve(dataDirectory)).digest('hex').slice(0, 16);
  return path.join(reachableRoot, `ryla-generation-${process.getuid?.() ?? 0}`, name);
}

/** Moved homes nobody needs any more, unless a server still runs on them. */
function removeOrphans(parent: string): void {
  for (const name of readdirSync(parent)) {
    const home = path.join(parent, name);
    if (!isNeeded(home) && !hasServer(home)) rmSync(home, { recursive: true, force: true });
  }
}

function isNeeded(home: string): boolean {
  const origin = path.join(home, originFile);
  if (existsSync(origin)) return existsSync(readFileSync(origin, 'utf8'));
  return Date.now() - lastUsedMs(home) < nobodysAfterMs;
}

/** A server touches its directory at each start and stop. */
function lastUsedMs(home: string): number {
  const data = path.join(home, 'data');
  return Math.max(...[home, data].filter((file) => existsSync(file)).map((file) => statSync(file).mtimeMs));
}

function hasServer(home: string): boolean {
  const data = path.join(home, 'data');
  const pidFile = path.join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return false;
  return processCommand(Number.parseInt(readFileSync(pidFile, 'utf8'), 10)).includes(data);
}

/** Anyone may write to /var/tmp, so a directory or link that is not ours must not be trusted. */
function makeOwnDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const { uid } = lstatSync(directory);
  if (!lstatSync(directory).isDirectory() || uid !== process.getuid?.()) {
    throw new Error(`${directory} exists and belongs to someone else; remove it, or set DATABASE_URL.`);
  }
  chmodSync(directory, 0o755);
}
