import { Command, InvalidArgumentError } from 'commander';
import { pino } from 'pino';
import { z } from 'zod';
import { loadSettings } from '../../config/env';
import { createApiKeyStore, createDatabase, migrate, type ApiKey, type ApiKeyStore } from '../../db';
import { scopes, type Scope } from '../../domain/access';
import { callerSchema } from '../../domain/requests';
import { makeApiKey } from './api-key';

/** Nobody who is known: whoever can run this has the database. Its changes are in the audit table without a caller. */
const commandLine = {};
const listedAtOnce = 200;

const createOptions = z.object({
  caller: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  expires: z.string().optional(),
});

function program(): Command {
  const keys = new Command('npm run keys --').description(
    'Makes, lists and revokes the keys of the API, in the database of DATABASE_URL.',
  );
  keys
    .command('create')
    .description('makes a key and prints it, once')
    .requiredOption('--caller <id>', 'whose things it is for', parseCaller)
    .requiredOption('--name <text>', 'for people: where it is used', parseName)
    .requiredOption('--scopes <list>', `of ${scopes.join(', ')}; separated by commas`, parseScopes)
    .option('--expires <when>', 'such as 90d, 12h or 2027-01-31; left out: never', parseExpiry)
    .action((options: unknown) => withKeys((store) => create(store, createOptions.parse(options))));
  keys
    .command('list')
    .description('shows every key, without its secret')
    .action(() => withKeys(list));
  keys
    .command('revoke')
    .description('makes a key useless at once')
    .argument('<id>', 'the part between the two "_" of a key')
    .action((id: string) => withKeys((store) => revoke(store, id)));
  return keys;
}

async function create(
  store: ApiKeyStore,
  { caller, name, scopes: given, expires: expiresAt }: z.infer<typeof createOptions>,
): Promise<void> {
  const { id, secretHash, text } = makeApiKey();
  await store.create({ id, caller, name, scopes: given, secretHash, expiresAt }, commandLine);
  process.stderr.write(
    `Key ${id} of caller ${caller}, ${given.join(', ')}, ${expiryOf(expiresAt)}. It is shown only now:\n`,
  );
  // Alone on standard output, so that a script can keep it.
  process.stdout.write(`${text}\n`);
}

async function list(store: ApiKeyStore): Promise<void> {
  let after: { createdAt: string; id: string } | undefined;
  do {
    const page = await store.list({ limit: listedAtOnce, after });
    for (const key of page) process.stdout.write(`${lineOf(key)}\n`);
    after = page.length < listedAtOnce ? undefined : page.at(-1);
  } while (after !== undefined);
}

function lineOf({ id, caller, name, scopes: given, expiresAt, lastUsedAt, revokedAt }: ApiKey): string {
  const state = revokedAt === null ? expiryOf(expiresAt ?? undefined) : `revoked ${revokedAt}`;
  return [id, caller, given.join(','), state, `last used ${lastUsedAt ?? 'never'}`, name].join('  ');
}

function expiryOf(expiresAt: string | undefined): string {
  return expiresAt === undefined ? 'never expires' : `expires ${expiresAt}`;
}

async function revoke(store: ApiKeyStore, id: string): Promise<void> {
  if (!(await store.revoke(id, commandLine)))
    throw new Error(`There is no key ${id}. See: npm run keys -- list`);
  process.stdout.write(`Key ${id} is revoked.\n`);
}

function parseCaller(text: string): string {
  const parsed = callerSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'is not valid');
}

function parseName(text: string): string {
  const name = text.trim();
  if (name !== '' && name.length <= 200) return name;
  throw new InvalidArgumentError('use 1-200 characters');
}

function parseScopes(text: string): Scope[] {
  const words = text.split(',').map((word) => word.trim());
  const parsed = z.array(z.enum(scopes)).safeParse([...new Set(words)]);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`use ${scopes.join(', ')}, separated by commas`);
}

const unitMs: Readonly<Record<string, number>> = { h: 3600_000, d: 24 * 3600_000 };

function parseExpiry(text: string): string {
  const [, count = '', unit = ''] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const span = unitMs[unit];
  const at = span === undefined ? Date.parse(text) : Date.now() + Number(count) * span;
  if (at > Date.now()) return new Date(at).toISOString();
  throw new InvalidArgumentError('use a time to come: 90d, 12h or a date such as 2027-01-31');
}

/** Before the first start of the API there are no tables yet. */
async function withKeys(work: (store: ApiKeyStore) => Promise<void>): Promise<void> {
  const { databaseUrl } = loadSettings(process.env);
  const logger = pino({ level: 'silent' });
  await migrate(databaseUrl, logger);
  const db = createDatabase(databaseUrl, logger, { maxConnections: 1 });
  try {
    await work(createApiKeyStore(db));
  } finally {
    await db.destroy();
  }
}

program()
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
