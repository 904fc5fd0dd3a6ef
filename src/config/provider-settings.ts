import { providerNames, type ProviderName } from '../domain/taxonomy';
import { ConfigurationError } from './configuration-error';
import type { Environment } from './environment';

export interface ModalSettings {
  /** Holds `{app}`. */
  baseUrl: string;
  key?: string | undefined;
  secret?: string | undefined;
  /** How named jobs are used where an app takes them; see `MODAL_NAMED_JOBS`. */
  namedJobs: 'auto' | 'required' | 'off';
}
export interface FalSettings {
  queueUrl: string;
  restUrl: string;
  platformUrl: string;
  /** Where the public keys of its call-backs stand. */
  jwksUrl: string;
  key: string;
  mediaHosts: readonly string[];
  /** Our own address as Fal reaches it; `undefined`: no call-backs. */
  publicBaseUrl: string | undefined;
  /** `undefined`: derived from the limits of each job. */
  settleSeconds: number | undefined;
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

/** Providers are emulated only while no real credential is set; a mix of real and fake pictures is a defect. */
export function providerSettings(environment: Environment): ProviderSettings {
  const real = realProviders(environment);
  const anyReal = providerNames.some((name) => real[name] !== undefined);
  const mode = environment.PROVIDERS ?? (anyReal ? 'real' : 'emulated');
  if (mode === 'real' && !anyReal) {
    const ways = Object.entries(real.disabledReasons).map(([name, way]) => `${name}: ${way}`);
    throw new ConfigurationError(`PROVIDERS is real, but no provider is set up. ${ways.join('; ')}`);
  }
  return mode === 'emulated' ? emulatedProviders(environment) : { mode, ...real };
}

function emulatedProviders(environment: Environment): ProviderSettings {
  return {
    mode: 'emulated',
    modal: {
      baseUrl: `${environment.EMULATOR_MODAL_URL}/{app}`,
      namedJobs: environment.MODAL_NAMED_JOBS,
    },
    fal: {
      queueUrl: `${environment.EMULATOR_FAL_URL}/queue`,
      restUrl: `${environment.EMULATOR_FAL_URL}/rest`,
      platformUrl: `${environment.EMULATOR_FAL_URL}/platform`,
      jwksUrl: `${environment.EMULATOR_FAL_URL}/rest/.well-known/jwks.json`,
      key: 'emulated',
      mediaHosts: [new URL(environment.EMULATOR_FAL_URL).host],
      publicBaseUrl: environment.PUBLIC_BASE_URL,
      settleSeconds: environment.FAL_SETTLE_SECONDS,
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
            platformUrl: environment.FAL_PLATFORM_URL,
            jwksUrl: environment.FAL_JWKS_URL,
            key: falKey,
            mediaHosts: environment.FAL_MEDIA_HOSTS.split(',').map((host) => host.trim()),
            publicBaseUrl: environment.PUBLIC_BASE_URL,
            settleSeconds: environment.FAL_SETTLE_SECONDS,
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
    MODAL_NAMED_JOBS: namedJobs,
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
    namedJobs,
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
