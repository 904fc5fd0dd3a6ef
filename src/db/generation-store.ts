import { sql } from 'kysely';
import type { EarlierRuns, Notice } from '../domain/forgotten';
import { openSlotStatuses, type GenerationState } from '../domain/generation';
import { acceptGeneration, type Acceptance, type AcceptOrder } from './accept-generation';
import type { Database } from './database';
import { findGeneration, type GenerationRecord, type GenerationRef } from './find-generation';
import { findRepeat, type IdempotencyKey, type KeyReused, type RepeatedStart } from './idempotency-keys';
import { listGenerations, type GenerationPage, type GenerationSummary } from './list-generations';
import { saveState } from './save-state';
import type { StoredError } from './schema';

export interface GenerationStore {
  /** Notes a job before its workflow starts, unless its key or the caller's daily limit stands against it. */
  accept(order: AcceptOrder): Promise<Acceptance>;
  /** The job this key already stands for; `undefined` where `accept` may make one. */
  findRepeat(caller: string, key: IdempotencyKey): Promise<RepeatedStart | KeyReused | undefined>;
  /** Notes that the workflow of an accepted job has started, as this run. */
  confirmStart(id: string, runId: string | undefined): Promise<void>;
  /** Takes back `accept` when the workflow certainly did not start, unless another request with its key tries too. */
  removeAccepted(id: string): Promise<void>;
  /**
   * Writes what the workflow reports; safe to repeat and to reorder.
   *
   * @param earlierRuns asked where the workflow was reset: what its runs before knew last. Default: nobody knows.
   */
  saveState(state: GenerationState, earlierRuns?: AskEarlierRuns): Promise<{ forgottenUsd: number }>;
  /**
   * Those that are accepted or running, but for the just started ones, and those with one of these workflows.
   */
  listOpen(workflowIds: readonly string[]): Promise<OpenGeneration[]>;
  /** Notes the run of the workflow that goes on from the one on record. */
  noteRun(id: string, runId: string): Promise<void>;
  /** Ends a generation whose workflow is gone. Does nothing if the workflow has reported since `seen` was read. */
  endUnfinished(seen: GenerationRecord, end: UnfinishedEnd): Promise<void>;
  /** Notes that nobody settles the jobs of an ended generation any more. Does nothing if its workflow has reported since `seen` was read. */
  abandonSettling(seen: GenerationRecord): Promise<void>;
  /** `undefined` also for one of another caller. */
  find(generation: GenerationRef): Promise<GenerationRecord | undefined>;
  /** For our own housekeeping, never for an answer. */
  findOfAnyone(id: string): Promise<GenerationRecord | undefined>;
  /** Newest first. */
  list(page: GenerationPage): Promise<GenerationSummary[]>;
}

/** A generation whose workflow runs, or should: for its slots, or to settle what it left. */
export interface OpenGeneration {
  generationId: string;
  workflowId: string;
  /** The Temporal run that reported last, or was started. */
  runId: string | undefined;
  revision: number;
}

export type AskEarlierRuns = (state: GenerationState) => Promise<EarlierRuns>;

const nobodyKnows: AskEarlierRuns = () => Promise.resolve({ states: [], isComplete: false });

export interface UnfinishedEnd {
  status: 'failed' | 'cancelled';
  error: StoredError;
  /** Says that what was set aside for the job may have been paid, as far as no attempt tells. */
  notice?: Notice | undefined;
}

export function createGenerationStore(db: Database): GenerationStore {
  return {
    accept: (order) => acceptGeneration(db, order),

    async findRepeat(caller, key) {
      const repeat = await findRepeat(db, caller, key);
      return repeat?.kind === 'never_started' ? undefined : repeat;
    },

    async confirmStart(id, runId) {
      await db
        .updateTable('generations')
        .set({ status: 'running', started_at: sql<string>`now()`, run_id: runId ?? null })
        .where('id', '=', id)
        .where('status', '=', 'accepted')
        .execute();
    },

    async removeAccepted(id) {
      await db
        .deleteFrom('generations')
        .where('id', '=', id)
        .where('status', '=', 'accepted')
        .where('starts', '=', 1)
        .execute();
    },

    async saveState(state, earlierRuns = nobodyKnows) {
      let outcome = await saveState(db, state);
      if (outcome.kind === 'reset') outcome = await saveState(db, state, await earlierRuns(state));
      return { forgottenUsd: outcome.kind === 'done' ? outcome.forgottenUsd : 0 };
    },
    async listOpen(workflowIds) {
      const isUnfinished = sql<boolean>`(status in ('accepted', 'running') or unsettled_jobs > 0)
        and start_asked_at < now() - interval '15 seconds'`;
      const rows = await db
        .selectFrom('generations')
        .select(['id', 'workflow_id', 'run_id', 'revision'])
        .where((where) => where.or([isUnfinished, sql<boolean>`workflow_id = any(${workflowIds})`]))
        .execute();
      return rows.map((row) => ({
        generationId: row.id,
        workflowId: row.workflow_id,
        runId: row.run_id ?? undefined,
        revision: row.revision,
      }));
    },

    async noteRun(id, runId) {
      await db.updateTable('generations').set({ run_id: runId }).where('id', '=', id).execute();
    },
    endUnfinished: (seen, end) => endUnfinished(db, seen, end),

    async abandonSettling({ generationId, revision }) {
      await db
        .updateTable('generations')
        .set({ unsettled_jobs: 0 })
        .where('id', '=', generationId)
        .where('revision', '=', revision)
        .execute();
    },

    find: (generation) => findGeneration(db, generation),
    findOfAnyone: (id) => findGeneration(db, { id }),
    list: (page) => listGenerations(db, page),
  };
}

async function endUnfinished(
  db: Database,
  seen: GenerationRecord,
  { status, error, notice }: UnfinishedEnd,
): Promise<void> {
  const json = JSON.stringify(error);
  const finishedAt = sql<string>`now()`;
  await db.transaction().execute(async (transaction) => {
    // The revision stays, so a report that is only late still wins; so does a start that was asked for again.
    const { numUpdatedRows } = await transaction
      .updateTable('generations')
      .set({
        ...{ status, error: json, finished_at: finishedAt, unsettled_jobs: 0 },
        ...(notice !== undefined && {
          notices: JSON.stringify([...seen.notices, notice]),
          forgotten_usd: sql<number>`forgotten_usd + ${notice.atRiskUsd}`,
        }),
      })
      .where('id', '=', seen.generationId)
      .where('revision', '=', seen.revision)
      .where('status', '=', seen.status)
      .where('start_asked_at', '=', seen.startAskedAt)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return;
    await transaction
      .updateTable('slots')
      .set({ status, error: json, waiting: null, decision: null, finished_at: finishedAt })
      .where('generation_id', '=', seen.generationId)
      .where('status', 'in', openSlotStatuses)
      .execute();
  });
}
