import { sql, type Kysely, type Selectable } from 'kysely';
import type { GenerationInput, GenerationStatus } from '../domain/generation';
import { lineageOf } from './find-generation';
import type { DatabaseSchema, GenerationTable } from './schema';

/** What a caller sends so that a request repeated is still one job. */
export interface IdempotencyKey {
  key: string;
  /** SHA-256 of route and body, hex. */
  requestHash: string;
}

/** The same request came before with the same key: this is its job. */
export interface RepeatedStart {
  kind: 'repeated';
  generationId: string;
  workflowId: string;
  status: GenerationStatus;
  /** While nothing is known of its workflow: what to start it with, under the same id. */
  unconfirmed: UnplannedInput | undefined;
}

/** A plan is not kept: the same request gives the same one. */
export type UnplannedInput = Omit<GenerationInput, 'plan'>;

/** The key belongs to another request of this caller. */
export interface KeyReused {
  kind: 'key_reused';
}

/** The key's job was given up before it ever started, so it may be started now. */
export interface NeverStarted {
  kind: 'never_started';
  generationId: string;
}

/** Days a key is kept at least: far longer than any job may run (7 days), and than anyone repeats a request. */
const keptDays = 30;
/** More expired keys than one request adds, so that they never pile up. */
const prunedAtOnce = 100;

/** Its job, when this key has come before; that counts as one more wish to start it. */
export async function findRepeat(
  db: Kysely<DatabaseSchema>,
  caller: string,
  { key, requestHash }: IdempotencyKey,
): Promise<RepeatedStart | KeyReused | NeverStarted | undefined> {
  const known = await db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('caller', '=', caller)
    .where('key', '=', key)
    .executeTakeFirst();
  if (known === undefined) return undefined;
  if (known.request_hash !== requestHash) return { kind: 'key_reused' };
  const row = await db
    .updateTable('generations')
    .set({ starts: sql<number>`starts + 1`, start_asked_at: sql<string>`now()` })
    .where('id', '=', known.generation_id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toRepeat(row);
}

/** Notes the key of a job that is being accepted, and forgets some that are too old. */
export async function insertKey(
  db: Kysely<DatabaseSchema>,
  {
    key,
    requestHash,
    input,
    generationId,
  }: IdempotencyKey & { input: Pick<GenerationInput, 'caller'>; generationId: string },
): Promise<void> {
  await db
    .insertInto('idempotency_keys')
    .values({ caller: input.caller, key, request_hash: requestHash, generation_id: generationId })
    .execute();
  await sql`delete from idempotency_keys where (caller, key) in (
    select caller, key from idempotency_keys
    where created_at < now() - make_interval(days => ${keptDays})
    order by created_at limit ${prunedAtOnce} for update skip locked
  )`.execute(db);
}

/** Two requests with one key take turns by this name. */
export function lockNameOf(caller: string, { key }: IdempotencyKey): string {
  return `idempotency-key/${caller}/${key}`;
}

function toRepeat(row: Selectable<GenerationTable>): RepeatedStart | NeverStarted {
  if (row.status === 'failed' && row.error?.code === 'not_started') {
    return { kind: 'never_started', generationId: row.id };
  }
  return {
    kind: 'repeated',
    generationId: row.id,
    workflowId: row.workflow_id,
    status: row.status,
    unconfirmed: row.status === 'accepted' ? inputOf(row) : undefined,
  };
}

/** What the workflow was, or was to be, started with. */
function inputOf(row: Selectable<GenerationTable>): UnplannedInput | undefined {
  if (row.request === null) return undefined;
  return {
    generationId: row.id,
    characterId: row.character_id,
    nsfw: row.nsfw,
    caller: row.caller,
    reservedUsd: row.reserved_usd,
    flowRequest: row.request,
    lineage: lineageOf(row),
  };
}
