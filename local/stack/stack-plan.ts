import path from 'node:path';
import { loadSettings, type Settings } from '../../src/config/env';
import type { ProviderSettings } from '../../src/config/provider-settings';
import type { WantedPort } from './busy-ports';
import type { Service } from './service';
import {
  apiReadySchema,
  emulatorReadySchema,
  nodeService,
  postgresService,
  temporalService,
} from './services';
import type { StackDescription } from './stack-file';
import type { StackOptions } from './stack-options';
import type { TemporalTarget } from './temporal-server';
import { configuredTemporal, localNamespace } from './temporal-target';

/** The emulator's own. */
const defaultTimeScale = 0.1;
/** Longest drain of calls in flight at a stop, seconds: emulated ones cost nothing. */
const emulatedShutdownGraceSeconds = 30;
/** Added to the worker's own drain before it is killed. */
const killMarginSeconds = 10;

/** What a stack runs. */
export interface StackPrograms {
  /** Path of the Temporal CLI; needed when the stack runs the Temporal server. */
  temporalCli: string | undefined;
  /** Directory of our own programs, as `buildPrograms` leaves it. */
  build: string;
}

/** What a stack consists of, decided from options and environment alone; nothing runs yet. */
export interface StackPlan {
  providers: ProviderSettings;
  temporal: TemporalTarget;
  /** Whether this stack runs the Temporal server itself. */
  runsTemporal: boolean;
  temporalUi: string | null;
  wantedPorts: WantedPort[];
  /** In starting order. */
  services(found: StackPrograms): Service[];
  /** URLs as the services reported them; complete once all are ready. */
  reported: { api: string; emulator: StackDescription['emulator'] };
}

/** @throws ConfigurationError when the environment cannot be used. */
export function planStack(options: StackOptions): StackPlan {
  const { ports, environment } = options;
  const configured = configuredTemporal(environment);
  const temporal = configured ?? {
    address: `127.0.0.1:${ports.temporal}`,
    namespace: localNamespace(environment),
  };
  const ownUi = `http://127.0.0.1:${ports.temporalUi}`;
  const temporalUi = nonEmpty(environment['TEMPORAL_UI_URL']) ?? (configured === undefined ? ownUi : null);
  const postgres = runsPostgres(environment) ? postgresService(options) : undefined;
  const childEnvironment = environmentOfChildren(options, {
    temporal,
    runsTemporal: configured === undefined,
    temporalUi,
    databaseUrl: postgres?.url,
  });
  const settings = loadSettings(childEnvironment);
  const reported: StackPlan['reported'] = { api: '', emulator: null };
  return {
    providers: settings.providers,
    temporal,
    runsTemporal: configured === undefined,
    temporalUi,
    wantedPorts: wantedPorts(options, settings, configured === undefined),
    reported,
    services: ({ temporalCli, build }) => [
      ...(postgres === undefined ? [] : [postgres.service]),
      ...(temporalCli === undefined ? [] : [temporalService(options, temporalCli, temporal)]),
      ...ownServices(options, build, settings, childEnvironment, reported),
    ],
  };
}

function ownServices(
  options: StackOptions,
  build: string,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  reported: StackPlan['reported'],
): Service[] {
  const emulator = nodeService(options, {
    name: 'emulator',
    main: path.join(build, 'emulator', 'main.js'),
    environment,
    stopGraceMs: 5_000,
    onReady: (line) => void (reported.emulator = emulatorReadySchema.parse(line)),
  });
  const workers = workerNames(options).map((name) =>
    nodeService(options, {
      name,
      main: path.join(build, 'worker', 'main.js'),
      environment: { ...environment, ...options.workerEnvironments?.[name] },
      standby: true,
      stopGraceMs: (settings.shutdownGraceSeconds + killMarginSeconds) * 1000,
    }),
  );
  const api = nodeService(options, {
    name: 'api',
    main: path.join(build, 'api', 'main.js'),
    environment,
    stopGraceMs: 10_000,
    onReady: (line) => void (reported.api = apiReadySchema.parse(line).url),
  });
  return settings.providers.mode === 'emulated' ? [emulator, ...workers, api] : [...workers, api];
}

/** `worker`, `worker-2`, `worker-3` and so on. */
function workerNames({ workers = 1 }: StackOptions): string[] {
  return Array.from({ length: workers }, (_, index) => (index === 0 ? 'worker' : `worker-${index + 1}`));
}

/** What a stack's own processes need to know of the servers around them. */
interface Surroundings extends Pick<StackPlan, 'temporal' | 'runsTemporal' | 'temporalUi'> {
  /** `undefined`: the environment names one. */
  databaseUrl: string | undefined;
}

function environmentOfChildren(
  { environment, ports, dataDirectory }: StackOptions,
  { temporal, runsTemporal, temporalUi, databaseUrl }: Surroundings,
): NodeJS.ProcessEnv {
  const emulated = loadSettings(environment).providers.mode === 'emulated';
  const grace = emulated ? { SHUTDOWN_GRACE_SECONDS: String(emulatedShutdownGraceSeconds) } : {};
  return {
    ...grace,
    // On a server of ours nobody else would say which version gets the work.
    ...(runsTemporal && { WORKER_VERSIONING: 'promote' }),
    ...environment,
    API_PORT: String(ports.api),
    ASSETS_DIR: nonEmpty(environment['ASSETS_DIR']) ?? path.join(dataDirectory, 'assets'),
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    ...(runsTemporal && { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace }),
    ...(temporalUi !== null && { TEMPORAL_UI_URL: temporalUi }),
    ...(emulated && {
      FAL_SETTLE_SECONDS: nonEmpty(environment['FAL_SETTLE_SECONDS']) ?? emulatedSettleSeconds(environment),
      PUBLIC_BASE_URL: `http://127.0.0.1:${ports.api}`,
      ...emulatorEnvironment(ports.emulator),
    }),
  };
}

/** Emulated Fal counts its own limits in its own time. What is no time scale is for the emulator to name. */
function emulatedSettleSeconds({ EMULATOR_TIME_SCALE: text }: NodeJS.ProcessEnv): string {
  const given = Number(nonEmpty(text) ?? defaultTimeScale);
  return String(Math.max(5, Math.ceil(600 * (given >= 0 ? given : defaultTimeScale))));
}

function emulatorEnvironment(ports: StackOptions['ports']['emulator']): NodeJS.ProcessEnv {
  const host = '127.0.0.1';
  return {
    EMULATOR_HOST: host,
    EMULATOR_CONTROL_PORT: String(ports.control),
    EMULATOR_MODAL_PORT: String(ports.modal),
    EMULATOR_FAL_PORT: String(ports.fal),
    EMULATOR_COMFYUI_PORT: String(ports.comfyui),
    EMULATOR_MODAL_URL: `http://${host}:${ports.modal}`,
    EMULATOR_FAL_URL: `http://${host}:${ports.fal}`,
    EMULATOR_COMFYUI_URL: `http://${host}:${ports.comfyui}`,
  };
}

function wantedPorts(
  { ports, environment }: StackOptions,
  settings: Settings,
  runsTemporal: boolean,
): WantedPort[] {
  const { control, modal, fal, comfyui } = ports.emulator;
  return [
    { port: ports.api, purpose: 'API', option: '--api-port' },
    ...(runsTemporal
      ? [
          { port: ports.temporal, purpose: 'Temporal server', option: '--temporal-port' },
          { port: ports.temporalUi, purpose: 'Temporal UI', option: '--ui-port' },
        ]
      : []),
    ...(runsPostgres(environment)
      ? [{ port: ports.postgres, purpose: 'PostgreSQL', option: '--postgres-port' }]
      : []),
    ...(settings.providers.mode === 'emulated'
      ? [
          { port: control, purpose: 'emulator control', option: '--emulator-port' },
          { port: modal, purpose: 'emulated Modal', option: '--emulator-port' },
          { port: fal, purpose: 'emulated Fal', option: '--emulator-port' },
          { port: comfyui, purpose: 'emulated ComfyUI', option: '--emulator-port' },
        ]
      : []),
  ];
}

function runsPostgres(environment: NodeJS.ProcessEnv): boolean {
  return nonEmpty(environment['DATABASE_URL']) === undefined;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
