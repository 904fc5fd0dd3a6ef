import { z } from 'zod';
import { ConfigurationError } from './configuration-error';
import { callerSchema } from '../domain/requests';
import { models } from '../registry';

const flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((value) => value === 'true' || value === '1');
const port = z.coerce.number().int().min(0).max(65_535);
const optionalText = z.string().optional();
/** Calls started per second; the server holds it, for all workers of a queue together. */
const rate = z.coerce.number().gt(0).max(1000).optional();

/** `a.internal:8080,127.0.0.1:9000` as a list; empty when left out. */
const hostsWithPorts = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((host) => host.trim() || []))
  .refine((hosts) => hosts.every((host) => /^(\[[\da-f:]+\]|[a-z\d.-]+):\d{1,5}$/.test(host)), {
    error: 'is a list such as media.internal:8080,127.0.0.1:9000: lower-case hosts, each with its port',
  });

const limits = z.record(callerSchema, z.number().min(0));

/** JSON such as `{"mobile-app": 25}` as a map; empty when left out. */
const dailyLimitsByCaller = z
  .string()
  .default('{}')
  .transform((text, context): ReadonlyMap<string, number> => {
    const parsed = limits.safeParse(parse(text));
    if (parsed.success) return new Map(Object.entries(parsed.data));
    const message = 'must be JSON that gives each caller its USD a day, such as {"mobile-app": 25}';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** Comma-separated origins, such as `https://app.example.com`; empty when left out. */
const origins = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()])))
  .refine((list) => list.every(isOrigin), {
    error:
      'must be origins such as https://app.example.com: scheme, host and port alone, separated by commas',
  });

/** Seconds the longest call of any endpoint may take, from the registry's policies. */
const longestCallSeconds = Math.max(...models.map(({ policy }) => policy.startToCloseSeconds));

/** Every variable of API and worker, with its default. How to reach Temporal is read by its own library. */
export const environmentSchema = z
  .object({
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
    /** `auto`: jobs have a name at every app that takes named jobs. `required`: other apps get none. `off`: plain calls. */
    MODAL_NAMED_JOBS: z.enum(['auto', 'required', 'off']).default('auto'),
    FAL_KEY: optionalText,
    FAL_KEY_ID: optionalText,
    FAL_KEY_SECRET: optionalText,
    FAL_QUEUE_URL: z.url().default('https://queue.fal.run'),
    FAL_REST_URL: z.url().default('https://rest.fal.ai'),
    /** Where Fal lists requests and tells prices. */
    FAL_PLATFORM_URL: z.url({ protocol: /^https?$/ }).default('https://api.fal.ai'),
    /** The public keys Fal signs its call-backs with. */
    FAL_JWKS_URL: z.url({ protocol: /^https?$/ }).default('https://rest.fal.ai/.well-known/jwks.json'),
    /** Seconds after a submit within which Fal must list it; left out: as long as its job may take, and two minutes. */
    FAL_SETTLE_SECONDS: z.coerce.number().gt(0).optional(),
    /** Comma-separated host suffixes media may be downloaded from. */
    FAL_MEDIA_HOSTS: z.string().default('fal.media'),
    COMFYUI_URL: z.url({ protocol: /^https?$/ }).optional(),
    COMFYUI_GRAPHS_DIR: optionalText,
    EMULATOR_MODAL_URL: z.url().default('http://127.0.0.1:9811'),
    EMULATOR_FAL_URL: z.url().default('http://127.0.0.1:9812'),
    EMULATOR_COMFYUI_URL: z.url().default('http://127.0.0.1:9813'),

    DATABASE_URL: z
      .url({
        protocol: /^postgres(ql)?$/,
        error: 'is a URL such as postgres://user:password@host:5432/database',
      })
      .default('postgres://postgres:postgres@127.0.0.1:9832/ryla_generation'),
    /** `s3` takes its credentials from the variables of the AWS SDK. */
    ASSET_STORE: z.enum(['filesystem', 's3']).default('filesystem'),
    ASSETS_DIR: z.string().default('data/assets'),
    /** Signs addresses that show an asset to whoever has them; left out: there are none. */
    ASSET_URL_SECRET: z.string().min(32, 'has at least 32 characters, made by chance').optional(),
    S3_BUCKET: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
        'is the name of a bucket: 3-63 lower-case letters, digits, "." or "-"',
      )
      .optional(),
    /** Left out: AWS itself. */
    S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    S3_REGION: z.string().default('us-east-1'),
    S3_FORCE_PATH_STYLE: flag,
    /** Comma-separated `host:port`: pictures may be fetched from these although they are not public. */
    PICTURES_FROM_HOSTS: hostsWithPorts,
    API_HOST: z.string().default('127.0.0.1'),
    API_PORT: port.default(9800),
    /** Left out: `open` on a loopback address, else `keys`. */
    API_AUTH: z.enum(['open', 'keys']).optional(),
    /** Where an identity provider publishes the keys of its tokens; needed together with the next two. */
    API_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
    API_JWT_ISSUER: optionalText,
    API_JWT_AUDIENCE: optionalText,
    /** The claim of a token that names the caller. */
    API_JWT_CALLER_CLAIM: z.string().default('sub'),
    /** Requests a minute of one key, in each API process. */
    API_RATE_PER_MINUTE: z.coerce.number().int().min(1).default(600),
    /** Origins whose pages may call from a browser. */
    API_CORS_ORIGINS: origins,
    /** The API's address as providers reach it; left out: they are asked for no call-backs. */
    PUBLIC_BASE_URL: z
      .url({ protocol: /^https?$/, error: 'is an http or https URL such as https://images.example.com' })
      .refine((url) => !/[?#@]/.test(url), { error: 'holds no query, no fragment and no credentials' })
      .optional(),
    /** Base URL of the Temporal UI, for the links in answers. */
    TEMPORAL_UI_URL: optionalText.pipe(z.url().optional()),
    NSFW_ENABLED: flag,
    /** USD each caller may spend in a UTC day; left out: no limit. */
    DAILY_LIMIT_USD: z.coerce.number().min(0).optional(),
    /** Limits of single callers in its place, as JSON: `{"caller": 25}`. */
    DAILY_LIMITS_USD: dailyLimitsByCaller,
    /** First and longest wait of a slot that found every provider out. */
    PARKING_INITIAL_SECONDS: z.coerce.number().min(1).default(15),
    PARKING_MAX_SECONDS: z.coerce.number().min(1).default(300),
    OUTAGE_GRACE_SECONDS: z.coerce.number().min(1).default(150),
    /** Concurrent calls per provider in one worker process. */
    MODAL_CONCURRENCY: z.coerce.number().int().min(1).default(100),
    FAL_CONCURRENCY: z.coerce.number().int().min(1).default(100),
    COMFYUI_CONCURRENCY: z.coerce.number().int().min(1).default(20),
    /** Calls started per second and provider, by all workers together; left out: no limit. */
    MODAL_MAX_PER_SECOND: rate,
    FAL_MAX_PER_SECOND: rate,
    COMFYUI_MAX_PER_SECOND: rate,
    /** Seconds a stopping worker lets calls in flight finish: by default as long as any may take. */
    SHUTDOWN_GRACE_SECONDS: z.coerce.number().min(0).default(longestCallSeconds),
    /** `on`: work reaches a version once it is made the current one. `promote`: this worker makes its own version current. */
    WORKER_VERSIONING: z.enum(['off', 'on', 'promote']).default('off'),
    /** Name of this worker's version; left out: derived from its workflow code. */
    WORKER_BUILD_ID: z
      .string()
      .regex(/^[\w.+-]{1,128}$/, 'is at most 128 letters, digits and "._+-"')
      .optional(),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  })
  .refine(({ PARKING_INITIAL_SECONDS: first, PARKING_MAX_SECONDS: longest }) => first <= longest, {
    path: ['PARKING_INITIAL_SECONDS'],
    message: 'must not be above PARKING_MAX_SECONDS',
  });

export type Environment = z.infer<typeof environmentSchema>;

/** Checks the variables and fills in the defaults. @throws ConfigurationError naming every one that cannot be used */
export function readEnvironment(source: NodeJS.ProcessEnv): Environment {
  // Compose files pass variables nobody set as empty ones.
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigurationError(`Environment cannot be used. ${problems.join('; ')}`);
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
