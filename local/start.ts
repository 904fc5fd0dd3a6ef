import Table from 'cli-table3';
import path from 'node:path';
import { createConsoleLogger } from './stack/console-logger';
import { errorMessage } from './stack/error-message';
import { postgresUrl } from './stack/postgres';
import { projectDirectory } from './stack/project-directory';
import { databaseName } from './stack/services';
import { Stack } from './stack/stack';
import type { StackDescription } from './stack/stack-file';
import type { StackPorts } from './stack/stack-options';
import { parseStartArguments } from './start-options';
import { interruptedExitCode, stopRequested } from './stack/stop-on-signals';

/** `npm start`: brings the stack up, prints where everything is, and keeps it up until it is told to stop. */
async function main(): Promise<number> {
  const apiPort = Number(process.env['API_PORT']);
  const { ports, dataDirectory } = parseStartArguments(process.argv.slice(2), {
    dataDirectory: path.join(projectDirectory, 'data'),
    ...(Number.isInteger(apiPort) && apiPort > 0 && { apiPort }),
  });
  const logger = createConsoleLogger(process.env['LOG_LEVEL'] ?? 'info');
  const stack = new Stack({ projectDirectory, dataDirectory, ports, environment: process.env, logger });
  const stopping = stopRequested(stack, logger).then(() => 'stop' as const);
  try {
    const started = await Promise.race([stack.start(), stopping]);
    if (started === 'stop') return interruptedExitCode;
    process.stdout.write(`${overview(started, { dataDirectory, ports, cli: stack.temporalCli() })}\n`);
    await stopping;
    await stack.stop();
    logger.info('stopped');
    return 0;
  } catch (error) {
    process.stderr.write(`\n${errorMessage(error)}\n`);
    return 1;
  } finally {
    await stack.stop();
  }
}

function overview(
  { api, temporal, namespace, temporalUi, emulator, pids }: StackDescription,
  { dataDirectory, ports, cli }: { dataDirectory: string; ports: StackPorts; cli: string | undefined },
): string {
  const table = new Table({ style: { head: [], border: [] } });
  table.push(['API', api], ['Temporal', `${temporal} (namespace ${namespace})`]);
  if (temporalUi !== null) table.push(['Temporal UI', temporalUi]);
  if (cli !== undefined) table.push(['Temporal CLI', `${cli} --address ${temporal}`]);
  if (pids['postgres'] !== undefined) {
    const url = postgresUrl({ port: ports.postgres, database: databaseName });
    table.push(['PostgreSQL', `${url}\npassword in ${path.join(dataDirectory, 'postgres-password')}`]);
  }
  if (emulator !== null) {
    table.push(['Emulated Modal', emulator.modal], ['Emulated Fal', emulator.fal]);
    table.push(['Emulated ComfyUI', emulator.comfyui], ['Emulator control', emulator.control]);
  }
  table.push(['Logs', path.join(dataDirectory, 'logs')]);
  return `\nEverything is ready.\n${table.toString()}\nCtrl-C stops it; jobs in flight go on at the next start.`;
}

void main().then((code) => process.exit(code));
