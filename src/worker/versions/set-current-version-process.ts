import { parseArgs } from 'node:util';
import { NativeConnection } from '@temporalio/worker';
import { loadSettings } from '../../config/env';
import { loadTemporalConnection } from '../../config/temporal-connection';
import { setCurrentVersion, setUnversionedCurrent, type DeploymentServer } from './current-version';
import { workerVersion } from './worker-deployment';
import { workflowBundle } from '../workflow-bundle';

const help = `Usage: npm run set-current-version -- [options]

Sends all work to the workers of this version. Part of every deploy with WORKER_VERSIONING=on; run it with the
environment of those workers.

  --timeout-seconds <n>    how long to wait for those workers (default: 120)
  --build-id <name>        another version, for a way back; its workers must run
  --allow-removed-queues   also when the present version has task queues this one has not
  --unversioned            sends all work to workers with WORKER_VERSIONING=off
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'timeout-seconds': { type: 'string', default: '120' },
      'build-id': { type: 'string' },
      'allow-removed-queues': { type: 'boolean', default: false },
      unversioned: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    say(help);
    return;
  }
  const timeoutMs = secondsOf(values['timeout-seconds']) * 1000;
  const { taskQueue, versioning } = loadSettings(process.env);
  await withServer(async (server) => {
    if (values.unversioned) {
      await setUnversionedCurrent(server, taskQueue);
      say(`Workers without a version get the work of ${taskQueue}.\n`);
      return;
    }
    const { code } = await workflowBundle();
    const buildId = values['build-id'] ?? versioning.buildId;
    const version = workerVersion(taskQueue, { buildId, workflowCode: code });
    await setCurrentVersion(server, version, {
      timeoutMs,
      allowRemovedQueues: values['allow-removed-queues'],
    });
    say(`Version ${version.buildId} gets the work of ${taskQueue}.\n`);
  });
}

function secondsOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new Error(`--timeout-seconds takes a whole number of seconds, not ${text}`);
}

function say(text: string): void {
  process.stdout.write(text);
}

async function withServer(work: (server: DeploymentServer) => Promise<void>): Promise<void> {
  const { connectionOptions, namespace = 'default' } = loadTemporalConnection(process.env);
  const connection = await NativeConnection.connect(connectionOptions).catch((cause: unknown) => {
    const address = connectionOptions.address ?? 'its default address';
    throw new Error(`Temporal cannot be reached at ${address}. Is TEMPORAL_ADDRESS right?`, { cause });
  });
  try {
    await work({ connection, namespace });
  } finally {
    await connection.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
