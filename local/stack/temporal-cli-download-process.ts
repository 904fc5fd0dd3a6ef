import { TestWorkflowEnvironment } from '@temporalio/testing';
import { errorMessage } from './error-message';

/** Starts and stops the SDK's development server once, which leaves the CLI in the given directory. */
async function main(): Promise<void> {
  const [downloadDir, version] = process.argv.slice(2);
  if (downloadDir === undefined || version === undefined) throw new Error('usage: <directory> <version>');
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir, version } },
  });
  await environment.teardown();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${errorMessage(error)}\n`, () => process.exit(1));
  },
);
