import {
  loadClientConfigProfile,
  toClientOptions,
  type ClientConfigProfile,
  type ClientConnectConfig,
} from '@temporalio/envconfig';
import { ConfigurationError } from './configuration-error';

/** How this environment reaches Temporal: variables over a profile file, as in Temporal's own tools. @throws ConfigurationError */
export function loadTemporalConnection(environment: NodeJS.ProcessEnv): ClientConnectConfig {
  return readable(() => toClientOptions(profileOf(environment)));
}

/** The same before it is turned into options of a connection. @throws ConfigurationError */
export function loadTemporalProfile(environment: NodeJS.ProcessEnv): ClientConfigProfile {
  return readable(() => profileOf(environment));
}

/** Compose files pass variables nobody set as empty ones, which the library takes for an address, a key, a setting. */
function profileOf(environment: NodeJS.ProcessEnv): ClientConfigProfile {
  const given = Object.entries(environment).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && entry[1] !== '';
  });
  return loadClientConfigProfile({ overrideEnvVars: Object.fromEntries(given) });
}

function readable<Value>(load: () => Value): Value {
  try {
    return load();
  } catch (error) {
    throw new ConfigurationError(`The Temporal configuration cannot be used: ${reasonOf(error)}`);
  }
}

/** The library reads on where a file holds no profile at all. */
function reasonOf(error: unknown): string {
  if (error instanceof TypeError) {
    return 'its file holds no [profile.default]: add one, or remove the file (TEMPORAL_CONFIG_FILE, or temporal.toml)';
  }
  // A TOML error quotes the file, which may hold a key, from its second line on.
  const [firstLine = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return firstLine;
}
