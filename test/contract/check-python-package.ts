import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { projectDirectory } from '../../local/stack/project-directory';
import { pythonWith } from '../support/python-environment';

const directory = path.join(projectDirectory, 'modal');

/** `npm run check-modal`: lint, types and tests of the Python package, in an environment of its own. */
async function main(): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const python = await pythonWith(path.join(directory, 'requirements-dev.txt'), say);
  return spawnSync(path.join(directory, 'check.sh'), [python], { stdio: 'inherit' }).status ?? 1;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
