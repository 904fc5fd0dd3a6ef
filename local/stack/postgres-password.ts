import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

function fileIn(dataDirectory: string): string {
  return path.join(dataDirectory, 'postgres-password');
}

/** Whether the password of this data directory's server is known. */
export function hasPostgresPassword(dataDirectory: string): boolean {
  return keptPassword(dataDirectory) !== undefined;
}

/** Password of the embedded server of this data directory: the kept one, or a new random one that is not kept yet. */
export function postgresPassword(dataDirectory: string): string {
  return keptPassword(dataDirectory) ?? randomBytes(24).toString('base64url');
}

/**
 * Keeps the password, readable for our own account alone. At once: half a password would lock everybody out.
 *
 * @throws Error when another stack has just made this directory its own with another password.
 */
export function keepPostgresPassword(dataDirectory: string, password: string): void {
  const kept = keptPassword(dataDirectory);
  if (kept === password) return;
  if (kept !== undefined) throw new Error(`Another stack was using ${dataDirectory}. Start again.`);
  const draft = `${fileIn(dataDirectory)}.new`;
  writeFileSync(draft, `${password}\n`, { mode: 0o600 });
  renameSync(draft, fileIn(dataDirectory));
}

function keptPassword(dataDirectory: string): string | undefined {
  const file = fileIn(dataDirectory);
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return text === '' ? undefined : text;
}
