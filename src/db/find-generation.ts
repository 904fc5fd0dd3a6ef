import { sql, type Selectable, type Transaction } from 'kysely';
import type { AttemptRecord } from '../domain/attempt-record';
import type { Notice } from '../domain/forgotten';
import type { GenerationState, Lineage } from '../domain/generation';
import type { FlowRequest } from '../domain/requests';
import { toStoredAsset } from './asset-records';
import type { Database } from './database';
import { toAttemptRecord, toSlotRecord, type SlotRecord } from './generation-rows';
import type { DatabaseSchema, GenerationTable, StoredError } from './schema';

/** All that is stored of one generation. */
export interface GenerationRecord extends Omit<
  GenerationState,
  'error' | 'slots' | 'startedAt' | 'inFlight' | 'runs'
> {
  workflowId: string;
  caller: string;
  /** Set aside for it while it runs. */
  reservedUsd: number;
  /** What happened to it from outside. */
  notices: Notice[];
  /** What they put at risk, beside `atRiskUsd`. */
  forgottenUsd: number;
  /** The Temporal run that reported last. */
  runId: string | undefined;
  /** `undefined` only where the accepting API lost its row before the workflow reported. */
  request: FlowRequest | undefined;
  createdAt: string;
  /** When Temporal was last asked to start it, by the clock of the database. */
  startAskedAt: string;
  /** When this was read, by the same clock. */
  readAt: string;
  /** `undefined` until the workflow has reported. */
  startedAt: string | undefined;
  error: StoredError | undefined;
  slots: SlotRecord[];
}

/** A generation of a caller's. */
export interface GenerationRef {
  caller: string;
  id: string;
}

/** Reads generation, slots and attempts of one moment. Without a caller: whosever it is. */
export async function findGeneration(
  db: Database,
  { id, caller }: { id: string; caller?: string },
): Promise<GenerationRecord | undefined> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (transaction) => {
      const found = transaction
        .selectFrom('generations')
        .selectAll()
        .select(sql<string>`now()`.as('read_at'))
        .where('id', '=', id);
      const own = caller === undefined ? found : found.where('caller', '=', caller);
      const row = await own.executeTakeFirst();
      return row === undefined ? undefined : toGenerationRecord(row, await findSlots(transaction, id));
    });
}

export async function findSlots(transaction: Transaction<DatabaseSchema>, id: string): Promise<SlotRecord[]> {
  const slots = await transaction
    .selectFrom('slots')
    .selectAll()
    .where('generation_id', '=', id)
    .orderBy('slot')
    .execute();
  const assets = await transaction
    .selectFrom('assets')
    .selectAll()
    .where('id', 'in', transaction.selectFrom('slots').select('asset_id').where('generation_id', '=', id))
    .execute();
  const attempts = await findAttempts(transaction, id);
  const assetsById = new Map(assets.map((asset) => [asset.id, toStoredAsset(asset)]));
  return slots.map((row) =>
    toSlotRecord(row, assetsById.get(row.asset_id ?? ''), attempts.get(row.slot) ?? []),
  );
}

async function findAttempts(
  transaction: Transaction<DatabaseSchema>,
  id: string,
): Promise<Map<number, AttemptRecord[]>> {
  const rows = await transaction
    .selectFrom('attempts')
    .selectAll()
    .where('generation_id', '=', id)
    .orderBy('slot')
    .orderBy('number')
    .execute();
  const bySlot = new Map<number, AttemptRecord[]>();
  for (const row of rows) {
    const attempts = bySlot.get(row.slot) ?? [];
    bySlot.set(row.slot, [...attempts, toAttemptRecord(row)]);
  }
  return bySlot;
}

type GenerationRow = Selectable<GenerationTable> & { read_at: string };

function toGenerationRecord(row: GenerationRow, slots: SlotRecord[]): GenerationRecord {
  return {
    generationId: row.id,
    workflowId: row.workflow_id,
    caller: row.caller,
    reservedUsd: row.reserved_usd,
    notices: row.notices,
    forgottenUsd: row.forgotten_usd,
    runId: row.run_id ?? undefined,
    flow: row.flow,
    characterId: row.character_id,
    nsfw: row.nsfw,
    status: row.status,
    revision: row.revision,
    deadlineAt: row.deadline_at ?? undefined,
    costUsd: row.cost_usd,
    costEstimated: row.cost_estimated,
    atRiskUsd: row.at_risk_usd,
    engines: row.engines,
    extras: row.extras,
    unsettledJobs: row.unsettled_jobs,
    lineage: lineageOf(row),
    error: row.error ?? undefined,
    slots,
    request: row.request ?? undefined,
    createdAt: row.created_at,
    startAskedAt: row.start_asked_at,
    readAt: row.read_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
  };
}

/** Which slot of which generation this one makes anew. */
export function lineageOf({
  parent_generation_id: generationId,
  parent_slot: slot,
}: Pick<Selectable<GenerationTable>, 'parent_generation_id' | 'parent_slot'>): Lineage | undefined {
  return generationId === null || slot === null ? undefined : { generationId, slot };
}
