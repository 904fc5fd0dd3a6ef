import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from './run-command';

/** What a step that gets the Temporal CLI is asked for. */
export interface TemporalCliOrder {
  /** Where the program shall stand; only ever a complete one is put there. */
  target: string;
  version: string;
  environment: NodeJS.ProcessEnv;
  report: (line: string) => void;
}

const timeoutMs = 120_000;

/**
 * Lets the Temporal SDK download the CLI, in a process of its own because a stalled download cannot be stopped
 * otherwise. Gives up after 120 s.
 *
 * @returns whether the program now stands at `target`. Never throws for a failed download; the reason is reported.
 */
export async function downloadTemporalCli({
  target,
  version,
  environment,
  report,
}: TemporalCliOrder): Promise<boolean> {
  report(`temporal: downloading the CLI ${version} through the Temporal SDK (at most ${timeoutMs / 1000} s)`);
  const directory = await mkdtemp(path.join(path.dirname(target), '.download-'));
  try {
    const script = path.join(__dirname, 'temporal-cli-download-process.ts');
    const args = ['--import', pathToFileURL(require.resolve('tsx')).href, script, directory, `v${version}`];
    const { ok, output, problem } = await runCommand(process.execPath, args, { environment, timeoutMs });
    if (!ok) {
      report(`temporal: the download failed: ${lastLine(output) || problem}`);
      return false;
    }
    return await place(directory, target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function place(directory: string, target: string): Promise<boolean> {
  const [program] = await readdir(directory);
  if (program === undefined) return false;
  const file = path.join(directory, program);
  await chmod(file, 0o755);
  await rename(file, target);
  return true;
}

function lastLine(output: string): string {
  return output.split('\n').at(-1)?.slice(0, 300) ?? '';
}
