import type { DailyLimits } from '../domain/daily-limits';
import { emulatedTaskQueue, generationTaskQueue } from '../domain/task-queues';
import type { ProviderName } from '../domain/taxonomy';
import type { RoutingContext } from '../registry/types';
import { accessSettings, type AccessSettings } from './access-settings';
import { ConfigurationError } from './configuration-error';
import { readEnvironment, type Environment } from './environment';
import { providerSettings, type ProviderSettings } from './provider-settings';

export interface Settings {
  /** Task queue of the workflows; each provider's derives from it. */
  taskQueue: string;
  providers: ProviderSettings;
  routing: RoutingContext;
  dailyLimits: DailyLimits;
  databaseUrl: string;
  assetStore: AssetStoreVariables;
  /** Signs addresses of assets; `undefined`: none are made. */
  assetUrlSecret: string | undefined;
  /** `host:port` that pictures may be fetched from although they are not public. */
  picturesFrom: readonly string[];
  api: { host: string; port: number };
  access: AccessSettings;
  temporalUiUrl: string | undefined;
  concurrency: Record<ProviderName, number>;
  /** `undefined`: no limit. */
  maxCallsPerSecond: Record<ProviderName, number | undefined>;
  shutdownGraceSeconds: number;
  versioning: { mode: 'off' | 'on' | 'promote'; buildId: string | undefined };
  logLevel: string;
}

/** Where assets are kept. */
export type AssetStoreVariables =
  | { kind: 'filesystem'; directory: string }
  | { kind: 's3'; bucket: string; endpoint: string | undefined; region: string; forcePathStyle: boolean };

/** Reads the environment once, at the start of a process. @throws ConfigurationError */
export function loadSettings(source: NodeJS.ProcessEnv): Settings {
  const environment = readEnvironment(source);
  const providers = providerSettings(environment);
  return {
    providers,
    taskQueue: providers.mode === 'emulated' ? emulatedTaskQueue : generationTaskQueue,
    routing: routingContext(providers, environment),
    dailyLimits: {
      defaultUsd: environment.DAILY_LIMIT_USD,
      byCaller: environment.DAILY_LIMITS_USD,
    },
    databaseUrl: environment.DATABASE_URL,
    assetStore: assetStoreVariables(environment),
    assetUrlSecret: environment.ASSET_URL_SECRET,
    picturesFrom: environment.PICTURES_FROM_HOSTS,
    api: { host: environment.API_HOST, port: environment.API_PORT },
    access: accessSettings(environment),
    temporalUiUrl: environment.TEMPORAL_UI_URL,
    concurrency: {
      modal: environment.MODAL_CONCURRENCY,
      fal: environment.FAL_CONCURRENCY,
      comfyui: environment.COMFYUI_CONCURRENCY,
    },
    maxCallsPerSecond: {
      modal: environment.MODAL_MAX_PER_SECOND,
      fal: environment.FAL_MAX_PER_SECOND,
      comfyui: environment.COMFYUI_MAX_PER_SECOND,
    },
    shutdownGraceSeconds: environment.SHUTDOWN_GRACE_SECONDS,
    versioning: { mode: environment.WORKER_VERSIONING, buildId: environment.WORKER_BUILD_ID },
    logLevel: environment.LOG_LEVEL,
  };
}

function assetStoreVariables(environment: Environment): AssetStoreVariables {
  const { ASSET_STORE: kind, S3_BUCKET: bucket, S3_ENDPOINT: endpoint, S3_REGION: region } = environment;
  if (kind === 'filesystem') return { kind, directory: environment.ASSETS_DIR };
  if (bucket === undefined)
    throw new ConfigurationError('Environment cannot be used. S3_BUCKET: is needed with ASSET_STORE=s3');
  return { kind, bucket, endpoint, region, forcePathStyle: environment.S3_FORCE_PATH_STYLE };
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
      graceSeconds: environment.OUTAGE_GRACE_SECONDS,
    },
  };
}
