// Compiles src/ and emulator/ to dist/, with the ComfyUI graphs and one workflow bundle beside it.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
cpSync(join(root, 'src/providers/comfyui/graphs'), join(dist, 'src/providers/comfyui/graphs'), {
  recursive: true,
});

const { bundleWorkflows } = require(join(dist, 'src/worker/bundle-workflows.js'));
writeFileSync(join(dist, 'src/workflow-bundle.js'), await bundleWorkflows());
