import { cpSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compilePrograms } from './compile-programs';
import { projectDirectory } from './project-directory';

const entryPoints = {
  'worker/main': 'src/worker/main.ts',
  'api/main': 'src/api/main.ts',
  'emulator/main': 'emulator/main.ts',
  // Temporal's worker looks for these by their places relative to itself, as for its native core below.
  'worker/workflow-worker-thread': require.resolve('@temporalio/worker/lib/workflow/workflow-worker-thread'),
  'workflow-log-interceptor': require.resolve('@temporalio/worker/lib/workflow-log-interceptor'),
};

/** Compiles the programs of the stack into the directory, with the files they look for beside themselves. */
async function main(directory: string): Promise<void> {
  await compilePrograms(entryPoints, directory);
  const graphs = path.join(projectDirectory, 'src/providers/comfyui/graphs');
  cpSync(graphs, path.join(directory, 'worker/graphs'), { recursive: true });
  const core = path.dirname(
    createRequire(require.resolve('@temporalio/worker')).resolve('@temporalio/core-bridge'),
  );
  symlinkSync(path.join(core, 'releases'), path.join(directory, 'worker/releases'), 'junction');
}

// The compiler has said what is wrong.
void main(process.argv[2] ?? '').catch(() => (process.exitCode = 1));
