import { sql } from 'kysely';
import type { GenerationInput, GenerationState } from '../domain/generation';
import { workflowIdOf } from '../domain/workflow-id';
import type { Database } from './database';
import { findGeneration, type GenerationRecord } from './find-generation';
import { listGenerations, type GenerationPage, type GenerationSummary } from './list-generations';
import { saveState } from './save-state';
import type { StoredError } from './schema';

export interface GenerationStore {
  /** Notes a request before its workflow starts, so that a start that goes wrong leaves a trace. */
  insertAccepted(input: GenerationInput): Promise<void>;
  /** Takes back `insertAccepted` when the workflow certainly did not start. */
  removeAccepted(id: string): Promise<void>;
  /** Writes what the workflow reports; safe to repeat and to reorder. */
  saveState(state: GenerationState): Promise<void>;
  /** Ends a generation whose workflow is gone. Does nothing if the workflow has reported since `seen` was read. */
  endUnfinished(
    seen: GenerationRecord,
    end: { status: 'failed' | 'cancelled'; error: StoredError },
  ): Promise<void>;
  find(id: string): Promise<GenerationRecord | undefined>;
  /** Newest first. */
  list(page: GenerationPage): Promise<GenerationSummary[]>;
}

export function createGenerationStore(db: Database): GenerationStore {
  return {
    insertAccepted: (input) => insertAccepted(db, input),

    async removeAccepted(id) {
      await db.deleteFrom('generations').where('id', '=', id).where('status', '=', 'accepted').execute();
    },

    saveState: (state) => saveState(db, state),
    endUnfinished: (seen, end) => endUnfinished(db, seen, end),
    find: (id) => findGeneration(db, id),
    list: (page) => listGenerations(db, page),
  };
}

async function insertAccepted(db: Database, input: GenerationInput): Promise<void> {
  const { generationId, characterId, nsfw, flowRequest } = input;
  await db
    .insertInto('generations')
    .values({
      id: generationId,
      workflow_id: workflowIdOf({ flow: flowRequest.flow, characterId, generationId }),
      flow: flowRequest.flow,
      character_id: characterId,
      nsfw,
      status: 'accepted',
      request: JSON.stringify(flowRequest),
    })
    .execute();
}

async function endUnfinished(
  db: Database,
  seen: GenerationRecord,
  { status, error }: { status: 'failed' | 'cancelled'; error: StoredError },
): Promise<void> {
  const json = JSON.stringify(error);
  const finishedAt = sql<string>`now()`;
  await db.transaction().execute(async (transaction) => {
    // The revision stays, so a report that is only late still wins.
    const { numUpdatedRows } = await transaction
      .updateTable('generations')
      .set({ status, error: json, finished_at: finishedAt })
      .where('id', '=', seen.generationId)
      .where('revision', '=', seen.revision)
      .where('status', '=', seen.status)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return;
    await transaction
      .updateTable('slots')
      .set({ status, error: json, waiting: null, finished_at: finishedAt })
      .where('generation_id', '=', seen.generationId)
      .where('status', 'in', ['pending', 'running', 'waiting'])
      .execute();
  });
}
