import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { processIdentity } from './process-identity';
import { runCommand } from './run-command';
import { withFileLock } from './with-file-lock';

/** On a busy machine of two cores it takes some 20 s. */
const buildTimeoutMs = 300_000;
/** What the programs are made of. */
const sourceDirectories = ['src', 'emulator', 'local/stack'];
/** Folder in a build with a file for each process that uses it. */
const usersFolder = 'users';

/** Thrown when the sources cannot be compiled; the message ends with what the compiler says. */
export class ProgramBuildError extends Error {
  override readonly name = 'ProgramBuildError';
}

/**
 * Compiles worker, API and emulator with their packages, and the workflows, unless exactly these sources were compiled
 * before. Any number of processes may call it at once. The build stays until a later call with other sources finds that
 * every process that asked for it is gone.
 *
 * @param report receives one line before and one after the work; none when there is nothing to do.
 * @returns the directory that holds `worker/main.js`, `api/main.js` and `emulator/main.js`. Absolute.
 * @throws ProgramBuildError
 */
export async function buildPrograms(
  projectDirectory: string,
  report: (line: string) => void,
): Promise<string> {
  const directory = buildDirectory(projectDirectory);
  const builds = path.dirname(directory);
  mkdirSync(builds, { recursive: true });
  await withFileLock(
    `${builds}.lock`,
    async () => {
      if (!existsSync(directory)) await make(projectDirectory, directory, report);
      noteUser(directory);
      removeUnused(builds, directory);
    },
    { onWait: (pid) => report(`build: process ${pid} is already building the programs; waiting for it`) },
  );
  return directory;
}

/** Where the build of the present sources is, or will be: its name is a hash of all that decides what it contains. */
export function buildDirectory(projectDirectory: string): string {
  const hash = createHash('sha256');
  for (const file of sourceFiles(projectDirectory)) {
    const content = readFileSync(path.join(projectDirectory, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return path.join(projectDirectory, 'data', 'build', hash.digest('hex').slice(0, 16));
}

/** Relative to the project, in an order that is always the same. */
function sourceFiles(projectDirectory: string): string[] {
  const sources = sourceDirectories
    .flatMap((name) =>
      readdirSync(path.join(projectDirectory, name), { recursive: true, withFileTypes: true }),
    )
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(projectDirectory, path.join(entry.parentPath, entry.name)));
  const settings = ['package-lock.json', 'tsconfig.json'].filter((file) =>
    existsSync(path.join(projectDirectory, file)),
  );
  return [...sources, ...settings].toSorted();
}

async function make(
  projectDirectory: string,
  directory: string,
  report: (line: string) => void,
): Promise<void> {
  const draft = `${directory}.new`;
  const startedAt = Date.now();
  report('build: compiling worker, API, emulator and workflows');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  await Promise.all([
    run(projectDirectory, 'local/stack/build-process.ts', draft),
    run(projectDirectory, 'src/worker/bundle-process.ts', path.join(draft, 'workflow-bundle.js')),
  ]);
  renameSync(draft, directory);
  report(`build: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

async function run(projectDirectory: string, program: string, target: string): Promise<void> {
  const loader = pathToFileURL(require.resolve('tsx')).href;
  const { ok, output, problem } = await runCommand(
    process.execPath,
    ['--import', loader, path.join(projectDirectory, program), target],
    { cwd: projectDirectory, timeoutMs: buildTimeoutMs },
  );
  if (!ok) throw new ProgramBuildError(`The programs cannot be compiled: ${program} ${problem}\n${output}`);
}

function noteUser(directory: string): void {
  const identity = processIdentity(process.pid);
  if (identity === undefined) return;
  const users = path.join(directory, usersFolder);
  mkdirSync(users, { recursive: true });
  writeFileSync(path.join(users, identity.replaceAll(/[^\w@]/g, '-')), identity);
}

/** A running stack may have to start its programs again, so they must stay as long as it does. */
function removeUnused(builds: string, present: string): void {
  for (const name of readdirSync(builds)) {
    const directory = path.join(builds, name);
    if (directory !== present && !isUsed(directory)) rmSync(directory, { recursive: true, force: true });
  }
}

function isUsed(directory: string): boolean {
  const users = path.join(directory, usersFolder);
  if (!existsSync(users)) return false;
  return readdirSync(users).some((name) => {
    const identity = readFileSync(path.join(users, name), 'utf8');
    return processIdentity(Number.parseInt(identity, 10)) === identity;
  });
}
