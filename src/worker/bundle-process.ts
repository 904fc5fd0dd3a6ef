import { writeFileSync } from 'node:fs';
import { bundleWorkflows } from './bundle-workflows';

/** Bundles the workflows into the file named by the first argument. */
async function main(codePath: string): Promise<void> {
  writeFileSync(codePath, await bundleWorkflows());
}

void main(process.argv[2] ?? '').catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
