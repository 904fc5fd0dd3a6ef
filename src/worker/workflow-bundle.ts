import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** `npm run build` leaves the bundle here. */
const builtBundle = path.join(__dirname, '..', 'workflow-bundle.js');

/**
 * The workflow code a worker runs: the one made at build time, or from source one made now. Made in a process of its own,
 * because the bundler would leave some 100 MB behind in a worker that may run for months.
 *
 * @throws Error when the workflows cannot be bundled; the reason is on standard error.
 */
export async function workflowBundle(): Promise<{ code: string }> {
  if (existsSync(builtBundle)) return { code: await readFile(builtBundle, 'utf8') };
  const directory = await mkdtemp(path.join(tmpdir(), 'ryla-generation-'));
  try {
    const codePath = path.join(directory, 'workflow-bundle.js');
    const bundler = fork(require.resolve('./bundle-process'), [codePath], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [exitCode] = (await once(bundler, 'exit')) as [number | null];
    if (exitCode !== 0) throw new Error('the workflows could not be bundled; see the lines above');
    return { code: await readFile(codePath, 'utf8') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
