import { ConfigurationError } from '../../src/config/configuration-error';
import { loadSettings } from '../../src/config/env';
import { dailyLimitOf } from '../../src/domain/daily-limits';

describe('who is let in', () => {
  it.each([
    [{}, 'open'],
    [{ API_HOST: 'localhost' }, 'open'],
    [{ API_HOST: '127.1.2.3' }, 'open'],
    [{ API_HOST: '::1' }, 'open'],
    [{ API_HOST: '0.0.0.0' }, 'keys'],
    [{ API_HOST: '::' }, 'keys'],
    [{ API_HOST: '127.0.0.1.example.com' }, 'keys'],
    [{ API_AUTH: 'keys' }, 'keys'],
  ])('with %j: %s', (environment: Record<string, string>, mode) => {
    expect(loadSettings(environment).access.mode).toBe(mode);
  });

  const token = {
    API_JWKS_URL: 'https://login.example.com/jwks.json',
    API_JWT_ISSUER: 'https://login.example.com',
    API_JWT_AUDIENCE: 'pictures',
  };

  it.each<[Record<string, string>, string]>([
    [{ API_AUTH: 'open', API_HOST: '0.0.0.0' }, 'Set API_AUTH to keys, or API_HOST to 127.0.0.1'],
    [{ ...token, API_JWT_AUDIENCE: '' }, 'set all three or none'],
    [{ ...token, API_JWKS_URL: 'http://login.example.com/jwks.json' }, 'API_JWKS_URL: must be https'],
    [{ API_CORS_ORIGINS: '*' }, 'API_CORS_ORIGINS: must be origins'],
    [{ API_CORS_ORIGINS: 'https://app.example.com/page' }, 'API_CORS_ORIGINS: must be origins'],
    [{ API_RATE_PER_MINUTE: '0' }, 'API_RATE_PER_MINUTE'],
  ])('refuses %j', (environment, reason) => {
    expect(() => loadSettings(environment)).toThrow(reason);
  });

  it('takes tokens of a provider whose keys, issuer and audience are named', () => {
    expect(loadSettings(token).access.jwt).toEqual({
      jwksUrl: token.API_JWKS_URL,
      issuer: token.API_JWT_ISSUER,
      audience: token.API_JWT_AUDIENCE,
      callerClaim: 'sub',
    });
  });
});

describe('providers', () => {
  it('are all emulated while no real credential is set, on a task queue of their own', () => {
    const { providers, taskQueue } = loadSettings({});

    expect(providers.mode).toBe('emulated');
    expect([providers.modal, providers.fal, providers.comfyui].includes(undefined)).toBe(false);
    expect(taskQueue).not.toBe(loadSettings({ FAL_KEY: 'key' }).taskQueue);
  });

  it.each([
    ['MODAL_WORKSPACE', 'ryla', 'modal'],
    ['FAL_KEY', 'key', 'fal'],
    ['COMFYUI_URL', 'http://pod:8188', 'comfyui'],
  ] as const)(
    'are real with %s=%s alone: the others are disabled with the reason, never emulated',
    (variable, value, own) => {
      const { providers, routing } = loadSettings({ [variable]: value });

      expect(providers.mode).toBe('real');
      for (const name of ['modal', 'fal', 'comfyui'] as const) {
        expect(providers[name] !== undefined).toBe(name === own);
        expect(routing.providers[name].enabled).toBe(name === own);
        if (name !== own) expect(routing.providers[name].reason).toContain('to enable it');
      }
    },
  );

  it('follow PROVIDERS over the credentials', () => {
    expect(loadSettings({ FAL_KEY: 'key', PROVIDERS: 'emulated' }).providers.mode).toBe('emulated');
    expect(loadSettings({ FAL_KEY: 'key', PROVIDERS: 'real' }).providers.mode).toBe('real');
  });

  it('take an empty variable for one that is not set, as compose files pass it', () => {
    expect(loadSettings({ PROVIDERS: '', FAL_KEY: '', MODAL_WORKSPACE: '' }).providers.mode).toBe('emulated');
  });

  it('take the two halves of a Fal key, and derive the Modal URL from the workspace', () => {
    const { providers } = loadSettings({
      FAL_KEY_ID: 'id',
      FAL_KEY_SECRET: 'secret',
      MODAL_WORKSPACE: 'ryla',
    });

    expect(providers.fal?.key).toBe('id:secret');
    expect(providers.modal?.baseUrl).toBe('https://ryla--{app}-comfyui-fastapi-app.modal.run');
  });

  it.each([{ MODAL_WORKSPACE: 'ryla' }, {}])('use named jobs at Modal as told, with %j', (variables) => {
    const namedJobs = (given: object) => loadSettings({ ...variables, ...given }).providers.modal?.namedJobs;

    expect(namedJobs({})).toBe('auto');
    expect(namedJobs({ MODAL_NAMED_JOBS: 'required' })).toBe('required');
    expect(namedJobs({ MODAL_NAMED_JOBS: 'off' })).toBe('off');
    expect(() => namedJobs({ MODAL_NAMED_JOBS: 'yes' })).toThrow('MODAL_NAMED_JOBS');
  });

  it('never reach a real host while they are emulated', () => {
    const { providers } = loadSettings({
      PROVIDERS: 'emulated',
      FAL_KEY: 'real-key',
      MODAL_WORKSPACE: 'ryla',
    });

    expect(JSON.stringify(providers)).not.toMatch(/real-key|modal\.run|fal\.run/);
  });
});

describe('daily limits', () => {
  it('hold for every caller, except those with one of their own', () => {
    const { dailyLimits } = loadSettings({
      DAILY_LIMIT_USD: '10',
      DAILY_LIMITS_USD: '{"app": 25.5, "off": 0}',
    });

    const limits = ['app', 'off', 'other', 'constructor'].map((caller) => dailyLimitOf(dailyLimits, caller));
    expect(limits).toEqual([25.5, 0, 10, 10]);
  });

  it('do not exist where none is set', () => {
    expect(dailyLimitOf(loadSettings({}).dailyLimits, 'default')).toBeUndefined();
  });

  it('say where Fal lists requests and signs from, and by what address we are called', () => {
    const { fal } = loadSettings({ FAL_KEY: 'key' }).providers;
    expect(fal).toMatchObject({
      platformUrl: 'https://api.fal.ai',
      jwksUrl: 'https://rest.fal.ai/.well-known/jwks.json',
      publicBaseUrl: undefined,
      settleSeconds: undefined,
    });
    const own = { PUBLIC_BASE_URL: 'https://images.example.com', FAL_SETTLE_SECONDS: '90' };
    expect(loadSettings({ FAL_KEY: 'key', ...own }).providers.fal).toMatchObject({
      publicBaseUrl: 'https://images.example.com',
      settleSeconds: 90,
    });
    const emulator = { EMULATOR_FAL_URL: 'http://127.0.0.1:1234', FAL_PLATFORM_URL: 'https://api.fal.ai' };
    expect(loadSettings({ ...own, ...emulator }).providers.fal).toMatchObject({
      platformUrl: 'http://127.0.0.1:1234/platform',
      jwksUrl: 'http://127.0.0.1:1234/rest/.well-known/jwks.json',
      publicBaseUrl: 'https://images.example.com',
    });
  });
});

describe('where assets are kept', () => {
  it('is a folder, unless a bucket is asked for', () => {
    expect(loadSettings({}).assetStore).toEqual({ kind: 'filesystem', directory: 'data/assets' });
    const s3 = { ASSET_STORE: 's3', S3_BUCKET: 'pictures', S3_ENDPOINT: 'http://minio:9000' };
    expect(loadSettings({ ...s3, S3_FORCE_PATH_STYLE: 'true' }).assetStore).toEqual({
      kind: 's3',
      bucket: 'pictures',
      endpoint: 'http://minio:9000',
      region: 'us-east-1',
      forcePathStyle: true,
    });
  });
});

describe('a mistake in the environment', () => {
  it.each([
    [{ PROVIDERS: 'fake' }, 'PROVIDERS'],
    [{ MODAL_BASE_URL: 'https://modal.example' }, '{app}'],
    [{ MODAL_WORKSPACE: 'ryla', MODAL_KEY: 'key' }, 'MODAL_SECRET'],
    [{ MODAL_KEY: 'key', MODAL_SECRET: 'secret' }, 'MODAL_WORKSPACE'],
    [{ FAL_KEY_ID: 'id' }, 'FAL_KEY_SECRET'],
    [{ API_PORT: '99999' }, 'API_PORT'],
    [{ COMFYUI_URL: 'pod:port' }, 'COMFYUI_URL'],
    [{ MODAL_WORKSPACE: 'ryla.evil.example/' }, 'MODAL_WORKSPACE'],
    [{ NSFW_ENABLED: 'yes' }, 'NSFW_ENABLED'],
    [{ DATABASE_URL: 'localhost:5432/db' }, 'postgres://user:password@host'],
    [{ DATABASE_URL: 'mysql://u:p@localhost/db' }, 'DATABASE_URL'],
    [{ PROVIDERS: 'real' }, 'MODAL_WORKSPACE'],
    [{ PARKING_INITIAL_SECONDS: '600', PARKING_MAX_SECONDS: '300' }, 'PARKING_INITIAL_SECONDS'],
    [{ DAILY_LIMIT_USD: '-1' }, 'DAILY_LIMIT_USD'],
    [{ DAILY_LIMITS_USD: '{"a": "5"}' }, 'DAILY_LIMITS_USD'],
    [{ DAILY_LIMITS_USD: '{"no caller": 5}' }, 'DAILY_LIMITS_USD'],
    [{ DAILY_LIMITS_USD: 'a=5' }, 'DAILY_LIMITS_USD'],
    [{ ASSET_STORE: 's3' }, 'S3_BUCKET'],
    [{ S3_ENDPOINT: 'minio:9000' }, 'S3_ENDPOINT'],
    [{ PICTURES_FROM_HOSTS: 'media.internal' }, 'PICTURES_FROM_HOSTS'],
  ])('is named: %j', (environment, name) => {
    expect(() => loadSettings(environment)).toThrow(ConfigurationError);
    expect(() => loadSettings(environment)).toThrow(name);
  });

  it.each([{ PROVIDERS: 'hunter2' }, { DATABASE_URL: 'mysql://root:hunter2@localhost/db' }])(
    'never shows a value: %j',
    (environment) => {
      let message = '';
      try {
        loadSettings(environment);
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain(Object.keys(environment)[0]);
      expect(message).not.toContain('hunter2');
    },
  );

  it.each([
    'images.example.com',
    'ftp://images.example.com',
    'https://u:p@example.com',
    'https://example.com/?a=1',
  ])('take no %s for our public address', (PUBLIC_BASE_URL) => {
    expect(() => loadSettings({ PUBLIC_BASE_URL })).toThrow(/PUBLIC_BASE_URL: /);
  });
});
