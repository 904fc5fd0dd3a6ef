import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A write that has not grown for an hour belongs to a process that died. */
const staleAfterMs = 3_600_000;

/**
 * Makes a directory for files that are not whole yet, and sweeps what a crash left there. Once, but tried again after a
 * failure: a volume may be mounted late.
 */
export function preparedOnce(directory: string): () => Promise<void> {
  let preparation: Promise<void> | undefined;
  return async () => {
    preparation ??= prepare(directory);
    try {
      await preparation;
    } catch (error) {
      preparation = undefined;
      throw error;
    }
  };
}

async function prepare(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const files = await readdir(directory);
  await Promise.all(files.map((file) => removeIfStale(join(directory, file))));
}

async function removeIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > staleAfterMs) await rm(path, { force: true });
  } catch (error) {
    // Another process finished or swept it between our two looks.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
