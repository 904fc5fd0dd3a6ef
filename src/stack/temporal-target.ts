import { loadClientConfigProfile, toClientOptions, type ClientConfigProfile } from '@temporalio/envconfig';
import { ConfigurationError } from '../config/env';
import { errorMessage } from './error-message';
import type { TemporalTarget } from './temporal-server';

/** Where an address is missing beside TLS settings or an API key, as in Temporal's own tools. */
const defaultAddress = 'localhost:7233';
const defaultNamespace = 'default';

/**
 * The Temporal server this environment is set up for (`TEMPORAL_ADDRESS`, a profile file, TLS, an API key), or
 * `undefined` when nothing is set up and a local server is to be started.
 *
 * @throws ConfigurationError when the profile file or an environment variable cannot be used.
 */
export function configuredTemporal(environment: NodeJS.ProcessEnv): TemporalTarget | undefined {
  const profile = loadProfile(environment);
  if (profile.address === undefined && profile.apiKey === undefined && profile.tls === undefined)
    return undefined;
  const { connectionOptions, namespace } = toClientOptions(profile);
  const { apiKey, tls, metadata } = connectionOptions;
  return {
    address: connectionOptions.address ?? defaultAddress,
    namespace: namespace ?? defaultNamespace,
    connection: {
      ...(apiKey !== undefined && { apiKey }),
      ...(tls !== undefined && { tls }),
      ...(metadata !== undefined && { metadata }),
    },
  };
}

/** Namespace for a local server: the configured one, else `default`. @throws ConfigurationError */
export function localNamespace(environment: NodeJS.ProcessEnv): string {
  return loadProfile(environment).namespace ?? defaultNamespace;
}

function loadProfile(environment: NodeJS.ProcessEnv): ClientConfigProfile {
  try {
    return loadClientConfigProfile({ overrideEnvVars: definedOnly(environment) });
  } catch (error) {
    throw new ConfigurationError(`The Temporal configuration cannot be used: ${errorMessage(error)}`);
  }
}

function definedOnly(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(environment).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && entry[1] !== '';
  });
  return Object.fromEntries(entries);
}
