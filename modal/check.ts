import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { pythonWith } from '../test/support/python-environment';

/** `npm run check-modal`: lint, types and tests of the Python package, in an environment of its own. */
async function main(): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const python = await pythonWith(path.join(__dirname, 'requirements-dev.txt'), say);
  return spawnSync(path.join(__dirname, 'check.sh'), [python], { stdio: 'inherit' }).status ?? 1;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
