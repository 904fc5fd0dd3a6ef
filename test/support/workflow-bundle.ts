import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflows } from '../../src/worker/bundle-workflows';

/** Bundles the workflows once for a whole test run; the path reaches the test files through the environment. */
export async function bundleForTests(): Promise<string> {
  const codePath = join(await mkdtemp(join(tmpdir(), 'ryla-bundle-')), 'workflow-bundle.js');
  await writeFile(codePath, await bundleWorkflows());
  return codePath;
}

/** @throws Error when the test run has no bundle. */
export function workflowBundle(): { codePath: string } {
  const codePath = process.env['TEST_WORKFLOW_BUNDLE'];
  if (codePath === undefined)
    throw new Error('TEST_WORKFLOW_BUNDLE is not set: run the tests through jest.config.cjs');
  return { codePath };
}
