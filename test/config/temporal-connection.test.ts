import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '../../src/config/configuration-error';
import { loadTemporalConnection } from '../../src/config/temporal-connection';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ryla-generation-temporal-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function withFile(toml: string, variables: NodeJS.ProcessEnv = {}) {
  const file = join(directory, 'temporal.toml');
  writeFileSync(file, toml);
  return loadTemporalConnection({ TEMPORAL_CONFIG_FILE: file, ...variables });
}

describe('the way to Temporal', () => {
  it('is read from a profile file, and variables go before it', () => {
    const profile = '[profile.default]\naddress = "file:7233"\nnamespace = "filed"\n';

    expect(withFile(profile)).toMatchObject({
      namespace: 'filed',
      connectionOptions: { address: 'file:7233' },
    });
    expect(withFile(profile, { TEMPORAL_ADDRESS: 'variable:7233' })).toMatchObject({
      connectionOptions: { address: 'variable:7233' },
    });
  });

  it('takes an empty variable for one that is not set, as compose files pass it', () => {
    const { connectionOptions } = loadTemporalConnection({
      TEMPORAL_ADDRESS: 'host:7233',
      TEMPORAL_API_KEY: '',
      TEMPORAL_TLS: '',
      TEMPORAL_CONFIG_FILE: join(directory, 'none.toml'),
    });

    expect(connectionOptions).toMatchObject({ address: 'host:7233', apiKey: undefined, tls: undefined });
  });

  it.each([
    ['an empty file', '', 'no [profile.default]'],
    ['a file without the profile', '[other]\nvalue = 1\n', 'no [profile.default]'],
    ['a file that is no TOML', '[[[', 'TOML'],
  ])('is refused clearly with %s', (_name, toml, reason) => {
    expect(() => withFile(toml)).toThrow(ConfigurationError);
    expect(() => withFile(toml)).toThrow(reason);
  });

  it('never shows what stands in the file', () => {
    const message = (() => {
      try {
        return JSON.stringify(withFile('[profile.default]\napi_key = "hunter2\n'));
      } catch (error) {
        return String(error);
      }
    })();

    expect(message).toContain('cannot be used');
    expect(message).not.toContain('hunter2');
  });
});
