import { Command, InvalidArgumentError } from 'commander';
import path from 'node:path';
import { emulatorPorts, portsFromBase, type StackPorts } from './stack/stack-options';

export interface StartArguments {
  ports: StackPorts;
  /** Absolute. */
  dataDirectory: string;
}

interface RawOptions {
  portBase?: number;
  apiPort?: number;
  temporalPort?: number;
  uiPort?: number;
  postgresPort?: number;
  emulatorPort?: number;
  dataDir: string;
}

const help = `
Environment:
  PROVIDERS=emulated|real          emulated while no provider credential is set
  MODAL_WORKSPACE, FAL_KEY, COMFYUI_URL   real providers
  NSFW_ENABLED=true                allows NSFW requests; off by default
  DAILY_LIMIT_USD                  what each caller may spend in a day; no limit by default
  MODAL_CONCURRENCY, FAL_CONCURRENCY, COMFYUI_CONCURRENCY          calls in flight
  MODAL_MAX_PER_SECOND, FAL_MAX_PER_SECOND, COMFYUI_MAX_PER_SECOND calls started per second
  SHUTDOWN_GRACE_SECONDS           how long calls in flight may go on at a stop
  LOG_LEVEL                        trace, debug, info (default), warn, error, fatal or silent
  DATABASE_URL                     another PostgreSQL; none is started then
  TEMPORAL_ADDRESS, TEMPORAL_PROFILE, ... another Temporal server; none is started then
  TEMPORAL_UI_URL                  its UI, for links
  EMULATOR_TIME_SCALE              seconds of the emulator per real second of a provider
  EMULATOR_MODAL_JOBS              named (default) or plain: whether the emulated Modal apps take named jobs

Ctrl-C stops everything; jobs in flight go on at the next start. A second Ctrl-C does not wait.`;

/**
 * Reads the command line of `npm start`. Prints help or the mistake and ends the process where commander does.
 * Single ports win over `--port-base`, which wins over `API_PORT`.
 */
export function parseStartArguments(
  argv: readonly string[],
  defaults: { dataDirectory: string; apiPort?: number },
): StartArguments {
  const command = new Command('npm start --')
    .description(
      'Runs the whole service on this machine: database, Temporal server and UI, providers, worker, API.',
    )
    .option(
      '--port-base <port>',
      'first of all ports: API +0, emulator +10, PostgreSQL +32, Temporal +33, its UI +34 (default: 9800)',
      basePort,
    )
    .option('--api-port <port>', 'port of the HTTP API', singlePort)
    .option('--temporal-port <port>', 'port of the Temporal server', singlePort)
    .option('--ui-port <port>', 'port of the Temporal UI', singlePort)
    .option('--postgres-port <port>', 'port of PostgreSQL', singlePort)
    .option(
      '--emulator-port <port>',
      "port of the emulator's control API; Modal, Fal and ComfyUI take the next three",
      emulatorPort,
    )
    .option(
      '--data-dir <directory>',
      'databases, pictures, logs and stack.json; one for emulated and another for real providers',
      defaults.dataDirectory,
    )
    .addHelpText('after', help)
    .allowExcessArguments(false);
  const raw = command.parse(argv, { from: 'user' }).opts<RawOptions>();
  return { ports: choosePorts(raw, defaults.apiPort), dataDirectory: path.resolve(raw.dataDir) };
}

function choosePorts(raw: RawOptions, environmentApiPort: number | undefined): StackPorts {
  const base = portsFromBase(raw.portBase);
  const fallbackApi = raw.portBase === undefined ? (environmentApiPort ?? base.api) : base.api;
  return {
    api: raw.apiPort ?? fallbackApi,
    temporal: raw.temporalPort ?? base.temporal,
    temporalUi: raw.uiPort ?? base.temporalUi,
    postgres: raw.postgresPort ?? base.postgres,
    emulator: raw.emulatorPort === undefined ? base.emulator : emulatorPorts(raw.emulatorPort),
  };
}

const highestPort = 65_535;

/** The whole range of a base must fit below the highest port. */
function basePort(text: string): number {
  return portUpTo(text, highestPort - 34);
}
function emulatorPort(text: string): number {
  return portUpTo(text, highestPort - 3);
}
function singlePort(text: string): number {
  return portUpTo(text, highestPort);
}

function portUpTo(text: string, highest: number): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= highest) return port;
  throw new InvalidArgumentError(`Use a whole number from 1 to ${highest}.`);
}
