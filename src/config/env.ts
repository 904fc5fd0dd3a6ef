import { z } from 'zod';
import { providerNames, type ProviderName } from '../domain/taxonomy';
import { emulatedTaskQueue, generationTaskQueue } from '../domain/task-queues';
import type { RoutingContext } from '../registry/types';

const flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((value) => value === 'true' || value === '1');
const port = z.coerce.number().int().min(0).max(65_535);
const optionalText = z.string().optional();

const environmentSchema = z.object({
  PROVIDERS: z.enum(['emulated', 'real']).optional(),
  /** `https://{workspace}--{app}-comfyui-fastapi-app.modal.run` is derived from this. */
  MODAL_WORKSPACE: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'is a Modal workspace name: lower-case letters, digits and "-"')
    .optional(),
  /** Overrides the derived URL; must hold `{app}`. */
  MODAL_BASE_URL: optionalText,
  MODAL_KEY: optionalText,
  MODAL_SECRET: optionalText,
  FAL_KEY: optionalText,
  FAL_KEY_ID: optionalText,
  FAL_KEY_SECRET: optionalText,
  FAL_QUEUE_URL: z.url().default('https://queue.fal.run'),
  FAL_REST_URL: z.url().default('https://rest.fal.ai'),
  /** Comma-separated host suffixes media may be downloaded from. */
  FAL_MEDIA_HOSTS: z.string().default('fal.media'),
  COMFYUI_URL: z.url({ protocol: /^https?$/ }).optional(),
  COMFYUI_GRAPHS_DIR: optionalText,
  EMULATOR_MODAL_URL: z.url().default('http://127.0.0.1:9811'),
  EMULATOR_FAL_URL: z.url().default('http://127.0.0.1:9812'),
  EMULATOR_COMFYUI_URL: z.url().default('http://127.0.0.1:9813'),

  DATABASE_URL: z.string().default('postgres://postgres:postgres@127.0.0.1:9832/ryla_generation'),
  ASSETS_DIR: z.string().default('data/assets'),
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: port.default(9800),
  /** Base URL of the Temporal UI, for the links in answers. How to reach Temporal itself is read by its own library. */
  TEMPORAL_UI_URL: optionalText.pipe(z.url().optional()),
  NSFW_ENABLED: flag,
  PARKING_INITIAL_SECONDS: z.coerce.number().min(1).default(15),
  PARKING_MAX_SECONDS: z.coerce.number().min(1).default(300),
  /** Concurrent calls per provider in one worker process. */
  MODAL_CONCURRENCY: z.coerce.number().int().min(1).default(100),
  FAL_CONCURRENCY: z.coerce.number().int().min(1).default(100),
  COMFYUI_CONCURRENCY: z.coerce.number().int().min(1).default(20),
  /** Seconds a stopping worker lets calls in flight finish. */
  SHUTDOWN_GRACE_SECONDS: z.coerce.number().min(0).default(600),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export interface ModalSettings {
  /** Holds `{app}`. */
  baseUrl: string;
  key?: string | undefined;
  secret?: string | undefined;
}
export interface FalSettings {
  queueUrl: string;
  restUrl: string;
  key: string;
  mediaHosts: readonly string[];
}
export interface ComfyUiSettings {
  baseUrl: string;
  graphsDir?: string | undefined;
}

export interface ProviderSettings {
  mode: 'emulated' | 'real';
  /** `undefined`: disabled, for the reason in `disabledReasons`. */
  modal: ModalSettings | undefined;
  fal: FalSettings | undefined;
  comfyui: ComfyUiSettings | undefined;
  disabledReasons: Partial<Record<ProviderName, string>>;
}

export interface Settings {
  /** Task queue of the workflows; each provider's derives from it. */
  taskQueue: string;
  providers: ProviderSettings;
  routing: RoutingContext;
  databaseUrl: string;
  assetsDir: string;
  api: { host: string; port: number };
  temporalUiUrl: string | undefined;
  concurrency: Record<ProviderName, number>;
  shutdownGraceSeconds: number;
  logLevel: string;
}

/** Thrown when an environment variable cannot be used; the message names it and holds no value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Reads the environment once, at the start of a process. @throws ConfigurationError */
export function loadSettings(source: NodeJS.ProcessEnv): Settings {
  // Compose files pass variables nobody set as empty ones.
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigurationError(`Environment cannot be used. ${problems.join('; ')}`);
  }
  const environment = parsed.data;
  const providers = providerSettings(environment);
  return {
    providers,
    taskQueue: providers.mode === 'emulated' ? emulatedTaskQueue : generationTaskQueue,
    routing: routingContext(providers, environment),
    databaseUrl: environment.DATABASE_URL,
    assetsDir: environment.ASSETS_DIR,
    api: { host: environment.API_HOST, port: environment.API_PORT },
    temporalUiUrl: environment.TEMPORAL_UI_URL,
    concurrency: {
      modal: environment.MODAL_CONCURRENCY,
      fal: environment.FAL_CONCURRENCY,
      comfyui: environment.COMFYUI_CONCURRENCY,
    },
    shutdownGraceSeconds: environment.SHUTDOWN_GRACE_SECONDS,
    logLevel: environment.LOG_LEVEL,
  };
}

type Environment = z.infer<typeof environmentSchema>;

/** Providers are emulated only while no real credential is set; a mix of real and fake pictures is a defect. */
function providerSettings(environment: Environment): ProviderSettings {
  const real = realProviders(environment);
  const anyReal = providerNames.some((name) => real[name] !== undefined);
  const mode = environment.PROVIDERS ?? (anyReal ? 'real' : 'emulated');
  return mode === 'emulated' ? emulatedProviders(environment) : { mode, ...real };
}

function emulatedProviders(environment: Environment): ProviderSettings {
  return {
    mode: 'emulated',
    modal: { baseUrl: `${environment.EMULATOR_MODAL_URL}/{app}` },
    fal: {
      queueUrl: `${environment.EMULATOR_FAL_URL}/queue`,
      restUrl: `${environment.EMULATOR_FAL_URL}/rest`,
      key: 'emulated',
      mediaHosts: [new URL(environment.EMULATOR_FAL_URL).host],
    },
    comfyui: { baseUrl: environment.EMULATOR_COMFYUI_URL, graphsDir: environment.COMFYUI_GRAPHS_DIR },
    disabledReasons: {},
  };
}

function realProviders(environment: Environment): Omit<ProviderSettings, 'mode'> {
  const modal = modalSettings(environment);
  const falKey = falKeyOf(environment);
  return {
    modal,
    fal:
      falKey === undefined
        ? undefined
        : {
            queueUrl: environment.FAL_QUEUE_URL,
            restUrl: environment.FAL_REST_URL,
            key: falKey,
            mediaHosts: environment.FAL_MEDIA_HOSTS.split(',').map((host) => host.trim()),
          },
    comfyui:
      environment.COMFYUI_URL === undefined
        ? undefined
        : { baseUrl: environment.COMFYUI_URL, graphsDir: environment.COMFYUI_GRAPHS_DIR },
    disabledReasons: {
      ...(modal === undefined && { modal: 'set MODAL_WORKSPACE or MODAL_BASE_URL to enable it' }),
      ...(falKey === undefined && { fal: 'set FAL_KEY to enable it' }),
      ...(environment.COMFYUI_URL === undefined && { comfyui: 'set COMFYUI_URL to enable it' }),
    },
  };
}

function modalSettings(environment: Environment): ModalSettings | undefined {
  const {
    MODAL_WORKSPACE: workspace,
    MODAL_BASE_URL: baseUrl,
    MODAL_KEY: key,
    MODAL_SECRET: secret,
  } = environment;
  if (baseUrl !== undefined && !baseUrl.includes('{app}')) {
    throw new ConfigurationError('MODAL_BASE_URL: must hold {app}, the place of the Modal app in the URL');
  }
  if ((key === undefined) !== (secret === undefined)) {
    throw new ConfigurationError('MODAL_KEY and MODAL_SECRET: set both or neither');
  }
  if (baseUrl === undefined && workspace === undefined) {
    if (key !== undefined)
      throw new ConfigurationError('MODAL_KEY is set: MODAL_WORKSPACE is needed with it');
    return undefined;
  }
  return {
    baseUrl: baseUrl ?? `https://${workspace ?? ''}--{app}-comfyui-fastapi-app.modal.run`,
    key,
    secret,
  };
}

function falKeyOf(environment: Environment): string | undefined {
  if (environment.FAL_KEY !== undefined) return environment.FAL_KEY;
  const { FAL_KEY_ID: id, FAL_KEY_SECRET: secret } = environment;
  if ((id === undefined) !== (secret === undefined)) {
    throw new ConfigurationError('FAL_KEY_ID and FAL_KEY_SECRET: set both, or FAL_KEY alone');
  }
  return id !== undefined && secret !== undefined ? `${id}:${secret}` : undefined;
}

function routingContext(providers: ProviderSettings, environment: Environment): RoutingContext {
  const state = (name: ProviderName): { enabled: boolean; reason?: string } => {
    const reason = providers.disabledReasons[name];
    return reason === undefined ? { enabled: true } : { enabled: false, reason };
  };
  return {
    providers: { modal: state('modal'), fal: state('fal'), comfyui: state('comfyui') },
    nsfwEnabled: environment.NSFW_ENABLED,
    parking: {
      initialSeconds: environment.PARKING_INITIAL_SECONDS,
      backoffCoefficient: 2,
      maximumSeconds: environment.PARKING_MAX_SECONDS,
    },
  };
}
