// Sets a checkout up and runs one of the project's commands in it. Node built-ins only: nothing is installed yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { takeLock } from './take-lock.mjs';

const oldestNode = [20, 19];
/** Options by which Jest only tells something and runs no test. */
const questions = ['--help', '-h', '--version', '--listTests', '--showConfig'];
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const nodeModules = path.join(root, 'node_modules');
const lockfile = path.join(root, 'package-lock.json');
/** Written after a complete install; `npm ci` removes it together with everything else. */
const stampFile = path.join(nodeModules, '.installed-from');

const programs = {
  start: 'local/start.ts',
  demo: 'local/demo.ts',
  bench: 'proof/bench/main.ts',
  chaos: 'proof/chaos/main.ts',
  keys: 'src/api/access/keys-process.ts',
  'set-current-version': 'src/worker/versions/set-current-version-process.ts',
};

const [command, ...args] = process.argv.slice(2);
process.exitCode = await main();

async function main() {
  if (command !== 'test' && command !== 'install' && programs[command] === undefined) {
    return fail(
      `usage: node scripts/bootstrap.mjs <${[...Object.keys(programs), 'test', 'install'].join('|')}> [options]`,
    );
  }
  const version = process.versions.node.split('.').map(Number);
  if (version[0] < oldestNode[0] || (version[0] === oldestNode[0] && version[1] < oldestNode[1])) {
    return fail(
      `Node ${oldestNode.join('.')} or newer is needed; this is ${process.version}. See https://nodejs.org/en/download`,
    );
  }
  const code = await install();
  if (code !== 0 || command === 'install') return code;
  return command === 'test' ? test() : run(programs[command], args, ['inherit', 'inherit', 'inherit', 'ipc']);
}

/** Installs the locked dependencies unless exactly those are there. One process at a time. */
async function install() {
  if (isInstalled()) return 0;
  const unlock = await takeLock(path.join(root, 'data', 'bootstrap.lock'), (holder) => {
    say(`process ${holder} is already installing the dependencies; waiting for it`);
  });
  try {
    if (isInstalled()) return 0;
    say('installing dependencies (npm ci); the first time this takes a minute');
    const [npm, ...npmArgs] = npmCommand();
    const code = await execute(
      npm,
      [...npmArgs, 'ci', '--include=dev', '--no-audit', '--no-fund'],
      ['ignore', 2, 2],
    );
    if (code !== 0) return fail(`npm ci failed with exit code ${code}; see above`);
    writeFileSync(stampFile, wantedStamp());
    return 0;
  } finally {
    unlock();
  }
}

function isInstalled() {
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8') === wantedStamp();
  // Installed by hand: npm's own record is written last.
  const record = statSync(path.join(nodeModules, '.package-lock.json'), { throwIfNoEntry: false });
  return record !== undefined && record.mtimeMs >= statSync(lockfile).mtimeMs;
}

/** Packages with native code differ by platform, so a checkout shared between two needs its own install on each. */
function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(lockfile)).digest('hex');
  return `${hash} ${process.platform} ${process.arch}\n`;
}

function npmCommand() {
  const running = process.env.npm_execpath;
  if (running !== undefined && running.endsWith('npm-cli.js')) return [process.execPath, running];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

async function test() {
  const setUp = await run('local/stack/ensure-temporal-cli.ts', [], 'inherit');
  if (setUp !== 0) {
    process.stdout.write('0 passed, 1 failed\n');
    return setUp;
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'ryla-generation-test-'));
  const results = process.env.TEST_RESULTS_FILE || path.join(directory, 'results.json');
  try {
    const jest = createRequire(lockfile).resolve('jest/bin/jest');
    const code = await execute(
      process.execPath,
      [jest, '--json', `--outputFile=${results}`, ...args],
      ['inherit', 2, 2],
    );
    if (questions.some((question) => args.includes(question))) return code;
    const { passed, failed } = countTests(results);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
    return code === 0 && failed > 0 ? 1 : code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A test file that could not even be loaded counts as one failure, and so does a run without results. */
function countTests(file) {
  try {
    const results = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** Runs a TypeScript program of the project in the directory this was called from. */
function run(program, programArgs, stdio) {
  const loader = pathToFileURL(createRequire(lockfile).resolve('tsx')).href;
  return execute(
    process.execPath,
    ['--import', loader, path.join(root, program), ...programArgs],
    stdio,
    process.cwd(),
  );
}

/** Runs a program to its end, passing signals on. Resolves with its exit code; 128 + number after a signal. */
function execute(file, fileArgs, stdio, cwd = root) {
  return new Promise((resolve) => {
    const child = spawn(file, fileArgs, { stdio, cwd });
    const passOn = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, passOn);
    const watching = whenOrphaned(() => passOn('SIGTERM'));
    child.once('error', (error) => resolve(fail(`${file} cannot be run: ${error.message}`)));
    child.once('exit', (code, signal) => {
      clearInterval(watching);
      for (const name of signals) process.off(name, passOn);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** npm that is killed alone takes its shell with it, and leaves what that ran behind. */
function whenOrphaned(tell) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    tell();
  }, 1_000).unref();
  return timer;
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  say(text);
  return 1;
}
