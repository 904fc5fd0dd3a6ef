import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory } from '../../local/stack/cache-directory';
import { runCommand } from '../../local/stack/run-command';

const oldestPython = [3, 10] as const;
const candidates = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const buildTimeoutMs = 300_000;

/**
 * A Python with the packages of a requirements file, in a virtual environment of its own that is kept in the cache
 * directory and shared by all checkouts with the same requirements. The first time, `pip` takes a minute.
 *
 * @returns path of its interpreter
 * @throws Error when no Python 3.10 or newer is there, or `pip` fails; the message says which and what to do.
 */
export async function pythonWith(
  requirementsFile: string,
  report: (line: string) => void = () => undefined,
): Promise<string> {
  const { program, version } = await findPython();
  const requirements = await readFile(requirementsFile, 'utf8');
  const name = createHash('sha256').update(`${version}\n${requirements}`).digest('hex').slice(0, 16);
  const cache = cacheDirectory(process.env);
  const home = path.join(cache, `python-${name}`);
  const interpreter = path.join(home, 'bin', 'python');
  if (existsSync(interpreter)) return interpreter;
  report(`python: installing ${path.basename(requirementsFile)} for Python ${version} into ${home}`);
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(path.join(cache, '.python-'));
  try {
    await run(program, ['-m', 'venv', draft], 'install the venv module of that Python');
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      requirementsFile,
    ];
    await run(path.join(draft, 'bin', 'python'), install, 'see what pip says');
    // Only a complete one gets the name; whoever was faster has the same.
    await rename(draft, home).catch((error: unknown) => {
      if (!existsSync(interpreter)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return interpreter;
}

async function findPython(): Promise<{ program: string; version: string }> {
  const script = 'import sys; print("%d.%d" % sys.version_info[:2])';
  const seen: string[] = [];
  for (const program of candidates) {
    const { ok, output } = await runCommand(program, ['-c', script]);
    if (!ok) continue;
    const [major = 0, minor = 0] = output.split('.').map(Number);
    if (major > oldestPython[0] || (major === oldestPython[0] && minor >= oldestPython[1])) {
      return { program, version: output };
    }
    seen.push(`${program} is ${output}`);
  }
  const found = seen.length === 0 ? 'none was found' : seen.join(', ');
  throw new Error(
    `Python ${oldestPython.join('.')} or newer is needed: ${found}. Tried ${candidates.join(', ')}.`,
  );
}

async function run(program: string, args: readonly string[], advice: string): Promise<void> {
  const { ok, output, problem } = await runCommand(program, args, { timeoutMs: buildTimeoutMs });
  if (!ok) throw new Error(`${program} ${args.join(' ')} ${problem}: ${advice}.\n${output}`);
}
