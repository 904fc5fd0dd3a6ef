import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removePostgresHome } from './postgres-home';

/** Marks a directory as ours, so that emptying it can never hit anything else. */
const marker = '.ryla-generation';
const keptWhenEmptied = new Set([marker, 'stack.lock']);

/** Creates the stack's data directory with its marker, if it is not there yet. */
export function makeDataDirectory(directory: string): void {
  const isNew = !existsSync(directory) || readdirSync(directory).length === 0;
  mkdirSync(path.join(directory, 'assets'), { recursive: true });
  if (isNew) writeFileSync(path.join(directory, marker), 'Data of a local ryla-generation stack.\n');
}

/** Removes everything a stack kept in its data directory. The stack must be down. @throws for any other directory. */
export function emptyDataDirectory(directory: string): void {
  if (!existsSync(path.join(directory, marker))) {
    throw new Error(
      `${directory} is not empty and no data directory of this project; choose another --data-dir.`,
    );
  }
  removePostgresHome(directory);
  for (const entry of readdirSync(directory)) {
    if (!keptWhenEmptied.has(entry)) rmSync(path.join(directory, entry), { recursive: true, force: true });
  }
  makeDataDirectory(directory);
}
