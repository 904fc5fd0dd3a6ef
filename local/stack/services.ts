import path from 'node:path';
import { z } from 'zod';
import { standbyArgument } from '../../src/domain/standby';
import { postgresUrl, preparePostgres, waitForPostgres } from './postgres';
import { postgresPassword } from './postgres-password';
import type { Service } from './service';
import type { StackOptions } from './stack-options';
import { devServerArguments } from './temporal-arguments';
import { waitForTemporal, type TemporalTarget } from './temporal-server';

/** Name of the database on the embedded server. */
export const databaseName = 'ryla_generation';

/** The embedded PostgreSQL, and the URL of its database. */
export function postgresService(options: StackOptions): { service: Service; url: string } {
  const { dataDirectory } = options;
  const port = options.ports.postgres;
  const password = postgresPassword(dataDirectory);
  const target = { port, password, database: databaseName };
  const report = (line: string): void => options.logger.info(line);
  return {
    url: postgresUrl(target),
    service: {
      name: 'postgres',
      prepare: () => preparePostgres({ dataDirectory, port, password, report }),
      waitUntilReady: (_readyLine, signal) => waitForPostgres(target, signal),
      stopSignal: 'SIGINT',
      stopGraceMs: 15_000,
      readyTimeoutMs: 60_000,
      showFrom: 'error',
    },
  };
}

/** A Temporal development server with a database file and its UI. `cli` is the program to run. */
export function temporalService(options: StackOptions, cli: string, target: TemporalTarget): Service {
  const { ports, dataDirectory, environment } = options;
  const args = devServerArguments({
    port: ports.temporal,
    uiPort: ports.temporalUi,
    namespace: target.namespace,
    databaseFile: path.join(dataDirectory, 'temporal.db'),
  });
  return {
    name: 'temporal',
    prepare: () =>
      Promise.resolve({ file: cli, args, cwd: dataDirectory, environment: baseEnvironment(environment) }),
    waitUntilReady: (_readyLine, signal) => waitForTemporal(target, signal),
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    readyTimeoutMs: 60_000,
    showFrom: 'error',
    leftOut: new Set([unknownVersion]),
  };
}

/** Its answer to a worker of a new version that asks whether its own queues are known yet. */
const unknownVersion = 'deployment client error: Worker Deployment Version not found';

/** Third-party programs get no credentials to look at. */
function baseEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: environment['PATH'], HOME: environment['HOME'], TZ: 'UTC' };
}

export interface NodeServiceOptions {
  name: string;
  /** Path of its compiled main file. Absolute. */
  main: string;
  environment: NodeJS.ProcessEnv;
  stopGraceMs: number;
  onReady?: (readyLine: unknown) => void;
  /** Whether one more process of it stands by. */
  standby?: boolean;
}

/** The stack names each disabled provider with the reason. */
const leftOut = new Set(['provider disabled']);

/** One of our own processes: prints a ready line on standard output and logs to standard error. */
export function nodeService({ projectDirectory }: StackOptions, own: NodeServiceOptions): Service {
  const { name, main, environment } = own;
  return {
    name,
    prepare: () =>
      Promise.resolve({ file: process.execPath, args: [main], cwd: projectDirectory, environment }),
    async waitUntilReady(readyLine) {
      const line = await readyLine;
      own.onReady?.(line);
    },
    ...(own.standby === true && { standbyArgs: [standbyArgument] }),
    stopSignal: 'SIGTERM',
    stopGraceMs: own.stopGraceMs,
    readyTimeoutMs: 120_000,
    showFrom: 'warn',
    leftOut,
  };
}

/** Ready line of the API. */
export const apiReadySchema = z.object({ url: z.string() });
/** Ready line of the emulator. */
export const emulatorReadySchema = z.object({
  control: z.string(),
  modal: z.string(),
  fal: z.string(),
  comfyui: z.string(),
});
