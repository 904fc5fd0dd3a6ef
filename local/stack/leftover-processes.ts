import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { endProcess } from './end-process';
import { processIdentity } from './process-identity';

const recordSchema = z.array(
  z.object({ name: z.string(), identity: z.string(), signal: z.enum(['SIGTERM', 'SIGINT']) }),
);
export type ProcessRecord = z.infer<typeof recordSchema>[number];

/** Writes down which processes run, so that a later start can find those a killed supervisor left. */
export function recordProcesses(file: string, records: readonly ProcessRecord[]): void {
  const draft = `${file}.new`;
  writeFileSync(draft, JSON.stringify(records));
  renameSync(draft, file);
}

/**
 * Ends every recorded process that still runs, then forgets them. A process that merely got the same id is left alone.
 *
 * @returns the names of those that were ended.
 */
export async function endLeftoverProcesses(file: string): Promise<string[]> {
  const leftovers = readRecords(file).filter(({ identity }) => {
    return processIdentity(Number.parseInt(identity, 10)) === identity;
  });
  await Promise.all(
    leftovers.map(({ identity, signal }) => endProcess(Number.parseInt(identity, 10), signal)),
  );
  rmSync(file, { force: true });
  return leftovers.map(({ name }) => name);
}

function readRecords(file: string): ProcessRecord[] {
  if (!existsSync(file)) return [];
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return [];
  }
}
