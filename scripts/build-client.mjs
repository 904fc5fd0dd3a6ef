// Builds the typed client into client/dist, for import and require. Browsers and Node 20 take the same file.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const shared = {
  entryPoints: [path.join(root, 'client/src/index.ts')],
  bundle: true,
  packages: 'external',
  platform: 'neutral',
  target: 'es2023',
};
await build({ ...shared, format: 'esm', outfile: path.join(root, 'client/dist/index.mjs') });
await build({ ...shared, format: 'cjs', outfile: path.join(root, 'client/dist/index.cjs') });
const tsc = path.join(root, 'node_modules/.bin/tsc');
const types = spawnSync(tsc, ['-p', path.join(root, 'client/tsconfig.json')], { stdio: 'inherit' });
process.exitCode = types.status ?? 1;
