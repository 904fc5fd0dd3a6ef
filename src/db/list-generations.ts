import type { Selectable } from 'kysely';
import { generationStatuses, type GenerationStatus, type SlotStatus } from '../domain/generation';
import type { Flow } from '../domain/requests';
import type { Database } from './database';
import type { GenerationTable, StoredError } from './schema';

/** One line of a list. */
export interface GenerationSummary {
  generationId: string;
  workflowId: string;
  flow: Flow;
  characterId: string;
  nsfw: boolean;
  status: GenerationStatus;
  costUsd: number;
  costEstimated: boolean;
  /** What a reset, or a workflow that was lost, may have paid included. */
  atRiskUsd: number;
  error: StoredError | undefined;
  /** Slots by status; statuses without a slot are left out. */
  slots: Partial<Record<SlotStatus, number>>;
  createdAt: string;
  startedAt: string | undefined;
  finishedAt: string | undefined;
}

/** Where a page ended: the last line's time and id. */
export interface GenerationPosition {
  createdAt: string;
  generationId: string;
}

/** What a list can be narrowed to: how generations stand, or what a slot of a running one waits for. */
export const listedStatuses = [...generationStatuses, 'waiting', 'needs_decision'] as const;

/** What is left out narrows nothing. */
export interface GenerationPage {
  caller: string;
  characterId?: string | undefined;
  flow?: Flow | undefined;
  status?: (typeof listedStatuses)[number] | undefined;
  /** ISO 8601, inclusive. */
  createdFrom?: string | undefined;
  /** ISO 8601, exclusive. */
  createdBefore?: string | undefined;
  limit: number;
  after?: GenerationPosition | undefined;
}

/** Newest first. Stable under inserts: a page continues where the one before it ended. */
export async function listGenerations(db: Database, page: GenerationPage): Promise<GenerationSummary[]> {
  const { caller, characterId, flow, status, createdFrom, createdBefore, limit, after } = page;
  let query = db.selectFrom('generations').selectAll().where('caller', '=', caller);
  if (characterId !== undefined) query = query.where('character_id', '=', characterId);
  if (flow !== undefined) query = query.where('flow', '=', flow);
  if (createdFrom !== undefined) query = query.where('created_at', '>=', createdFrom);
  if (createdBefore !== undefined) query = query.where('created_at', '<', createdBefore);
  if (status === 'waiting' || status === 'needs_decision') {
    query = query
      .where('status', '=', 'running')
      .where((where) =>
        where.exists(
          where
            .selectFrom('slots')
            .select('slots.slot')
            .whereRef('slots.generation_id', '=', 'generations.id')
            .where('slots.status', '=', status),
        ),
      );
  } else if (status !== undefined) query = query.where('status', '=', status);
  if (after !== undefined) {
    query = query.where((where) =>
      where(where.refTuple('created_at', 'id'), '<', where.tuple(after.createdAt, after.generationId)),
    );
  }
  const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
  const counts = await countSlots(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => toSummary(row, counts.get(row.id) ?? {}));
}

async function countSlots(
  db: Database,
  ids: readonly string[],
): Promise<Map<string, Partial<Record<SlotStatus, number>>>> {
  const counts = new Map<string, Partial<Record<SlotStatus, number>>>();
  if (ids.length === 0) return counts;
  const rows = await db
    .selectFrom('slots')
    .select(['generation_id', 'status', (select) => select.fn.countAll<number>().as('slots')])
    .where('generation_id', 'in', ids)
    .groupBy(['generation_id', 'status'])
    .execute();
  for (const row of rows) {
    counts.set(row.generation_id, { ...counts.get(row.generation_id), [row.status]: row.slots });
  }
  return counts;
}

function toSummary(
  row: Selectable<GenerationTable>,
  slots: Partial<Record<SlotStatus, number>>,
): GenerationSummary {
  return {
    generationId: row.id,
    workflowId: row.workflow_id,
    flow: row.flow,
    characterId: row.character_id,
    nsfw: row.nsfw,
    status: row.status,
    costUsd: row.cost_usd,
    costEstimated: row.cost_estimated,
    atRiskUsd: row.at_risk_usd + row.forgotten_usd,
    error: row.error ?? undefined,
    slots,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
  };
}
