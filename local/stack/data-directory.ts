import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ProviderSettings } from '../../src/config/provider-settings';
import { removePostgresHome } from './postgres-home';

type ProviderMode = ProviderSettings['mode'];

/** Names the provider mode, and in a directory that was empty before also says that all in it is ours. */
const marker = '.ryla-generation';
const ownLine = 'Data of a local ryla-generation stack.';
const sharedLine = 'A local ryla-generation stack keeps data among the other files here.';
const keptWhenEmptied = new Set([marker, 'stack.lock']);

/** Thrown when a data directory holds data of the other kind of providers. */
export class ProviderModeError extends Error {
  override readonly name = 'ProviderModeError';
}

/** Creates the stack's data directory with its marker, if it is not there yet. */
export function makeDataDirectory(directory: string): void {
  const isNew = isFree(directory);
  mkdirSync(path.join(directory, 'assets'), { recursive: true });
  if (isNew) writeMarker(directory, `${ownLine}\n`);
}

/** Returns when the directory may be emptied: it is new, empty or all ours. @throws for any other one. */
export function requireOwnDirectory(directory: string): void {
  if (isFree(directory) || isOurs(directory)) return;
  throw new Error(
    `${directory} is not empty and no data directory of this project; choose another --data-dir.`,
  );
}

/** Removes everything a stack kept in its data directory. The stack must be down. @throws for any other directory. */
export function emptyDataDirectory(directory: string): void {
  requireOwnDirectory(directory);
  removePostgresHome(directory);
  for (const entry of readdirSync(directory)) {
    if (!keptWhenEmptied.has(entry)) rmSync(path.join(directory, entry), { recursive: true, force: true });
  }
  makeDataDirectory(directory);
}

/**
 * Returns when the directory was used with these providers only, or does not say (a new or an old one): a job parked
 * in the other mode would stay for ever, and a drawing could become the reference of a paid picture. A database
 * configured by `DATABASE_URL` carries no such mark; who shares one between the modes has to keep them apart.
 *
 * @throws ProviderModeError
 */
export function requireProviderMode(directory: string, mode: ProviderMode): void {
  const recorded = /^providers: (emulated|real)$/m.exec(readMarker(directory))?.[1] ?? mode;
  if (recorded === mode) return;
  throw new ProviderModeError(
    `${directory} holds data of ${recorded} providers, but providers are now ${mode}. ` +
      'Choose another directory with --data-dir <directory>.',
  );
}

/** Notes in the marker which providers the directory is for. Call `requireProviderMode` before. */
export function recordProviderMode(directory: string, mode: ProviderMode): void {
  const first = isOurs(directory) ? ownLine : sharedLine;
  writeMarker(directory, `${first}\nproviders: ${mode}\n`);
}

/** Directory of the services' logs; `undefined` while there is none of ours. */
export function existingLogs(directory: string): string | undefined {
  const logs = path.join(directory, 'logs');
  return isOurs(directory) && existsSync(logs) ? logs : undefined;
}

function isFree(directory: string): boolean {
  return !existsSync(directory) || readdirSync(directory).length === 0;
}

function isOurs(directory: string): boolean {
  return readMarker(directory).startsWith(ownLine);
}

function readMarker(directory: string): string {
  const file = path.join(directory, marker);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** At once: half a marker would forget the mode. */
function writeMarker(directory: string, text: string): void {
  const draft = path.join(directory, `${marker}.new`);
  writeFileSync(draft, text);
  renameSync(draft, path.join(directory, marker));
}
