import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const waitMs = 500;

/**
 * Waits for the lock file, taking it over from a process that is gone. `onWait` is told once who holds it.
 * Resolves with the function that gives it back.
 */
export async function takeLock(file, onWait) {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, String(process.pid));
  let told = false;
  try {
    while (!tryLink(draft, file)) {
      const holder = Number(readOr(file, ''));
      if (!isAlive(holder)) rmSync(file, { force: true });
      else if (!told) onWait(holder);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function tryLink(draft, file) {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
