import { mkdirSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory } from './cache-directory';
import { errorMessage } from './error-message';
import { runCommand } from './run-command';
import { downloadTemporalCli } from './temporal-cli-download';
import { installTemporalCliWithGo } from './temporal-cli-go';
import { withFileLock } from './with-file-lock';

/** The newest release whose module has no `replace` lines, so that `go install` takes it. */
export const temporalCliVersion = '1.5.1';

/** Oldest server that knows fairness keys (`matching.enableFairness`). */
const oldestServer = { major: 1, minor: 29 };

export interface TemporalCliOptions {
  environment: NodeJS.ProcessEnv;
  /** Receives one line for each step that is tried. */
  report: (line: string) => void;
}

/** Thrown when no step gave a Temporal CLI; the message lists what to install. */
export class TemporalCliMissingError extends Error {
  override readonly name = 'TemporalCliMissingError';
}

/**
 * Finds or makes a Temporal CLI that runs: `temporal` on PATH, our cache, the SDK's download, `go install` (minutes).
 * A found program that does not run or is too old is passed over with the reason.
 *
 * @returns its absolute path.
 * @throws TemporalCliMissingError
 */
export async function resolveTemporalCli(options: TemporalCliOptions): Promise<string> {
  const target = path.join(cacheDirectory(options.environment), 'bin', `temporal-${temporalCliVersion}`);
  const found = (await findOnPath(options)) ?? (await findInCache(target, options));
  if (found !== undefined) return found;
  if (!canWriteBeside(target, options)) throw missing(`nothing can be written to ${path.dirname(target)}`);
  return withFileLock(`${target}.lock`, () => obtain(target, options), {
    onWait: (pid) =>
      options.report(`temporal: process ${pid} is already getting the Temporal CLI; waiting for it`),
  });
}

async function obtain(target: string, options: TemporalCliOptions): Promise<string> {
  const byAnotherProcess = await usableProgram(target);
  if (byAnotherProcess.usable) return target;
  const order = { target, version: temporalCliVersion, ...options };
  if ((await downloadTemporalCli(order)) || (await installTemporalCliWithGo(order))) {
    const made = await usableProgram(target);
    if (made.usable) return target;
    options.report(`temporal: ${target} was made but ${made.reason}`);
  }
  throw missing('no step succeeded');
}

function missing(reason: string): TemporalCliMissingError {
  return new TemporalCliMissingError(
    [
      `No Temporal server could be had (${reason}). Any one of these helps:`,
      `  - install the Temporal CLI (server ${oldestServer.major}.${oldestServer.minor} or newer) so that "temporal" is on PATH: https://docs.temporal.io/cli#install`,
      '  - allow downloads from temporal.download, and run this again',
      '  - install Go 1.25 or newer (https://go.dev/dl) and allow a Go module proxy, and run this again',
      '  - set TEMPORAL_ADDRESS (and TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or TEMPORAL_TLS_*) to a server you have',
    ].join('\n'),
  );
}

function canWriteBeside(target: string, options: TemporalCliOptions): boolean {
  try {
    mkdirSync(path.dirname(target), { recursive: true });
    return true;
  } catch (error) {
    options.report(`temporal: cache cannot be made: ${errorMessage(error)}`);
    return false;
  }
}

async function findOnPath(options: TemporalCliOptions): Promise<string | undefined> {
  const directories = (options.environment['PATH'] ?? '')
    .split(path.delimiter)
    .filter((entry) => path.isAbsolute(entry));
  for (const directory of directories) {
    const candidate = path.join(directory, 'temporal');
    if (!(await isExecutable(candidate))) continue;
    const state = await usableProgram(candidate);
    if (state.usable) {
      options.report(`temporal: using ${candidate} from PATH (${state.reason})`);
      return candidate;
    }
    options.report(`temporal: ${candidate} on PATH is passed over: it ${state.reason}`);
  }
  options.report('temporal: no usable "temporal" on PATH');
  return undefined;
}

async function findInCache(target: string, options: TemporalCliOptions): Promise<string | undefined> {
  if (!(await isExecutable(target))) {
    options.report(`temporal: not in the cache (${target})`);
    return undefined;
  }
  const state = await usableProgram(target);
  options.report(
    state.usable
      ? `temporal: using ${target} from the cache (${state.reason})`
      : `temporal: ${target} in the cache is passed over: it ${state.reason}`,
  );
  return state.usable ? target : undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** `reason` completes a sentence: why not, or which server it is. */
async function usableProgram(file: string): Promise<{ usable: boolean; reason: string }> {
  const { ok, output, problem } = await runCommand(file, ['--version']);
  if (!ok) return { usable: false, reason: `does not run: --version ${problem}` };
  const version = /Server (\d+)\.(\d+)\.\d+/.exec(output);
  if (version === null) return { usable: false, reason: 'does not name its server version' };
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const newEnough =
    major > oldestServer.major || (major === oldestServer.major && minor >= oldestServer.minor);
  return newEnough
    ? { usable: true, reason: version[0] }
    : {
        usable: false,
        reason: `is too old: ${version[0]}, needed is ${oldestServer.major}.${oldestServer.minor}`,
      };
}
