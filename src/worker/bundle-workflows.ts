import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/**
 * One file with all workflows. A worker loads it once for all its runs, not once for each: that takes an eighth of a run's CPU.
 * So a module of the workflows may hold constants and functions, and no state.
 *
 * @throws Error when they cannot be bundled.
 */
export async function bundleWorkflows(): Promise<string> {
  const workflowsPath = require.resolve('../workflows');
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    preloadModules: [workflowsPath],
    logger: new DefaultLogger('ERROR'),
  });
  return code;
}
