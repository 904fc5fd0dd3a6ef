import { createConsoleLogger } from './console-logger';
import { errorMessage } from './error-message';
import { resolveTemporalCli } from './temporal-cli';

/** Makes sure of a Temporal CLI before the tests, which start servers of their own with it. */
async function main(): Promise<void> {
  const logger = createConsoleLogger('info');
  await resolveTemporalCli({ environment: process.env, report: (line) => logger.info(line) });
}

main().catch((error: unknown) => {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exitCode = 1;
});
