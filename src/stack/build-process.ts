import { cpSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = path.resolve(__dirname, '..', '..');

/** These find files beside themselves, so they stay where they are installed. */
const external = ['sharp', 'source-map'];

/** Temporal's worker loads these to bundle workflows, which is done before it starts. */
const withoutWorkflowBundler: Plugin = {
  name: 'without-workflow-bundler',
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]node_modules[\\/](memfs|unionfs|webpack)[\\/]/ }, () => ({ contents: '' }));
  },
};

/** Compiles each program with its packages into one file: most of a start is spent on finding and reading modules. */
async function main(directory: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: {
      'worker/main': 'src/worker/main.ts',
      'api/main': 'src/api/main.ts',
      'emulator/main': 'src/emulator/main.ts',
      // Temporal's worker looks for these two by their places relative to itself.
      'worker/workflow-worker-thread':
        require.resolve('@temporalio/worker/lib/workflow/workflow-worker-thread'),
      'workflow-log-interceptor': require.resolve('@temporalio/worker/lib/workflow-log-interceptor'),
    },
    outdir: directory,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 120,
    legalComments: 'none',
    external,
    plugins: [withoutWorkflowBundler],
    logLevel: 'error',
  });
  cpSync(path.join(root, 'src/providers/comfyui/graphs'), path.join(directory, 'worker/graphs'), {
    recursive: true,
  });
  // Temporal's core is native code that is looked for beside its caller.
  const core = path.dirname(require.resolve('@temporalio/core-bridge/package.json'));
  symlinkSync(path.join(core, 'releases'), path.join(directory, 'worker/releases'), 'junction');
}

// esbuild has said what is wrong.
void main(process.argv[2] ?? '').catch(() => (process.exitCode = 1));
