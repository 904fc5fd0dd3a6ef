import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { configuredTemporal, localNamespace } from '../../local/stack/temporal-target';
import { scratchDirectory } from './fake-service';

describe('the configured Temporal server', () => {
  /** No profile file of this machine is seen. */
  const nothing = { HOME: '/nonexistent' };

  it('is none when the environment names none, so that a local one is started', () => {
    expect(configuredTemporal(nothing)).toBeUndefined();
    expect(configuredTemporal({ ...nothing, TEMPORAL_ADDRESS: '' })).toBeUndefined();
  });

  it('is the one TEMPORAL_ADDRESS names, with its namespace', () => {
    const environment = {
      ...nothing,
      TEMPORAL_ADDRESS: 'temporal.internal:7233',
      TEMPORAL_NAMESPACE: 'media',
    };

    expect(configuredTemporal(environment)).toMatchObject({
      address: 'temporal.internal:7233',
      namespace: 'media',
    });
  });

  it('is reached with TLS and the API key where one is set', () => {
    const environment = {
      ...nothing,
      TEMPORAL_ADDRESS: 'eu.api.temporal.io:7233',
      TEMPORAL_API_KEY: 'secret',
    };

    expect(configuredTemporal(environment)?.connection).toEqual({ apiKey: 'secret', tls: true });
  });

  it('can come from a profile file', () => {
    using directory = scratchDirectory();
    const file = path.join(directory.path, 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "10.0.0.5:7233"\nnamespace = "pictures"\n');

    expect(configuredTemporal({ TEMPORAL_CONFIG_FILE: file })).toMatchObject({
      address: '10.0.0.5:7233',
      namespace: 'pictures',
    });
  });

  it('is an error when the profile that is asked for does not exist', () => {
    expect(() => configuredTemporal({ ...nothing, TEMPORAL_PROFILE: 'production' })).toThrow(
      "The Temporal configuration cannot be used: Profile 'production' not found in config data",
    );
  });

  it('gives a local server its namespace without being one', () => {
    const environment = { ...nothing, TEMPORAL_NAMESPACE: 'mine' };

    expect(configuredTemporal(environment)).toBeUndefined();
    expect(localNamespace(environment)).toBe('mine');
  });
});
