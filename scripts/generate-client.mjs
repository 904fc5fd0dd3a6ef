// Writes client/src/schema.ts from openapi.json. The generator wants another TypeScript than ours, so it is installed
// beside our other tools and not among our dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = ['openapi-typescript@7.13.0', 'typescript@5.9.3'];
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const cache =
  process.env.RYLA_CACHE_DIR ||
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'ryla-generation');
const folder = path.join(cache, `client-generator-${packages.join('-').replaceAll(/[^a-z0-9.]+/g, '-')}`);
const tool = path.join(folder, 'node_modules', '.bin', 'openapi-typescript');
const source = path.join(root, 'openapi.json');
const target = path.join(root, 'client', 'src', 'schema.ts');

process.exitCode = main();

function main() {
  if (!existsSync(tool)) {
    process.stderr.write('installing the generator of the client (once)\n');
    mkdirSync(folder, { recursive: true });
    if (!run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, ...packages])) return 1;
  }
  // A field with a default may be left out of a request.
  if (!run(tool, [source, '--default-non-nullable', 'false', '--output', target])) return 1;
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex');
  const head = `// Made by \`npm run openapi\` from openapi.json with SHA-256 ${hash}. Do not edit.\n`;
  writeFileSync(target, head + readFileSync(target, 'utf8'));
  return 0;
}

function run(file, args) {
  return spawnSync(file, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
}
