import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from './error-code';
import { processIdentity } from './process-identity';

const pollMs = 250;

export interface FileLockOptions {
  /** Called once when another living process holds the lock. */
  onWait?: (pid: number) => void;
}

/**
 * Runs `work` while this process alone holds the lock file. A lock whose process is gone is taken over.
 * Waits without limit for a living holder.
 */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  let told = false;
  for (let holder = tryLock(file); holder !== undefined; holder = tryLock(file)) {
    if (!told) options.onWait?.(holder);
    told = true;
    await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    unlock(file);
  }
}

/** Takes the lock file for this process, or returns the process id of its living holder (which may be this process). */
export function tryLock(file: string): number | undefined {
  for (;;) {
    if (create(file)) return undefined;
    const identity = readIdentity(file);
    const pid = Number.parseInt(identity, 10);
    if (Number.isInteger(pid) && processIdentity(pid) === identity) return pid;
    removeStale(file, identity);
  }
}

/** Gives up a lock taken by `tryLock`; does nothing when another process has it. */
export function unlock(file: string): void {
  if (readIdentity(file) === processIdentity(process.pid)) rmSync(file, { force: true });
}

/** A link appears together with its content, so nobody ever reads a half-written lock. */
function create(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, processIdentity(process.pid) ?? '');
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Two processes may find the same stale lock: renaming lets one of them win, and a fresh lock caught so is put back. */
function removeStale(file: string, staleIdentity: string): void {
  const caught = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, caught);
    if (readIdentity(caught) !== staleIdentity) linkSync(caught, file);
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(caught, { force: true });
  }
}

function readIdentity(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
