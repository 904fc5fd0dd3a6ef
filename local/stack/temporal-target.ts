import { toClientOptions } from '@temporalio/envconfig';
import { loadTemporalProfile } from '../../src/config/temporal-connection';
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
  const profile = loadTemporalProfile(environment);
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
  return loadTemporalProfile(environment).namespace ?? defaultNamespace;
}
