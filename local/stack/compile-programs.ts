import { build, type Plugin } from 'esbuild';
import { projectDirectory } from './project-directory';

/** These find files beside themselves, so they stay where they are installed. */
const external = ['sharp', 'source-map', '@fastify/swagger-ui'];

/** Temporal's worker loads these to bundle workflows, which is done before it starts. */
const withoutWorkflowBundler: Plugin = {
  name: 'without-workflow-bundler',
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]node_modules[\\/](memfs|unionfs|webpack)[\\/]/ }, () => ({ contents: '' }));
  },
};

/**
 * Compiles each program with its packages into one file: most of a start is spent on finding and reading modules.
 *
 * @param entryPoints source file by target, which is relative to the directory and has no `.js`.
 * @param directory anywhere below the project: packages with native code are found from there.
 * @throws Error when a source cannot be compiled; the reason is on standard error.
 */
export async function compilePrograms(entryPoints: Record<string, string>, directory: string): Promise<void> {
  await build({
    absWorkingDir: projectDirectory,
    entryPoints,
    outdir: directory,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    // Names stay, and lines stay short enough to be named in a stack trace.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 120,
    legalComments: 'none',
    external,
    plugins: [withoutWorkflowBundler],
    logLevel: 'error',
  });
}
