import { sql, type Transaction } from 'kysely';
import type { AttemptRecord } from '../domain/attempt-record';
import type { GenerationState, SlotState } from '../domain/generation';
import { workflowIdOf } from '../domain/workflow-id';
import { insertAssets } from './asset-records';
import type { Database } from './database';
import { attemptRow, generationColumns, slotRow } from './generation-rows';
import type { DatabaseSchema } from './schema';

/**
 * Writes a generation, its slots and attempts as one. Safe to repeat, and states may arrive in any order: one that is
 * not newer than what is stored changes nothing.
 */
export async function saveState(db: Database, state: GenerationState): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const isNewer = await upsertGeneration(transaction, state);
    if (!isNewer) return;
    const kept = state.slots.flatMap((slot) => (slot.asset === undefined ? [] : [slot.asset]));
    const assets = [...kept, ...(state.extras ?? []).map(({ asset }) => asset)];
    await insertAssets(transaction, assets, 'generation');
    await upsertSlots(transaction, state.generationId, state.slots);
    await upsertAttempts(transaction, state);
  });
}

async function upsertGeneration(
  transaction: Transaction<DatabaseSchema>,
  state: GenerationState,
): Promise<boolean> {
  const columns = generationColumns(state);
  const written = await transaction
    .insertInto('generations')
    .values({ id: state.generationId, workflow_id: workflowIdOf(state), ...columns })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet(columns)
        // A row that is merely accepted gives way to any report, whatever number the workflow starts counting at.
        .where((where) =>
          where.or([
            where('generations.revision', '<', state.revision),
            where('generations.status', '=', 'accepted'),
          ]),
        ),
    )
    .returning('id')
    .executeTakeFirst();
  return written !== undefined;
}

async function upsertSlots(
  transaction: Transaction<DatabaseSchema>,
  generationId: string,
  slots: readonly SlotState[],
): Promise<void> {
  if (slots.length === 0) return;
  await transaction
    .insertInto('slots')
    .values(slots.map((slot) => slotRow(generationId, slot)))
    .onConflict((conflict) =>
      conflict.columns(['generation_id', 'slot']).doUpdateSet((row) => ({
        label: row.ref('excluded.label'),
        status: row.ref('excluded.status'),
        provider: row.ref('excluded.provider'),
        endpoint: row.ref('excluded.endpoint'),
        identity: row.ref('excluded.identity'),
        seed: row.ref('excluded.seed'),
        asset_id: row.ref('excluded.asset_id'),
        cost_usd: row.ref('excluded.cost_usd'),
        cost_estimated: row.ref('excluded.cost_estimated'),
        at_risk_usd: row.ref('excluded.at_risk_usd'),
        error: sql`excluded.error`,
        waiting: sql`excluded.waiting`,
        decision: sql`excluded.decision`,
        reused: row.ref('excluded.reused'),
        considered: sql`excluded.considered`,
        started_at: row.ref('excluded.started_at'),
        finished_at: row.ref('excluded.finished_at'),
      })),
    )
    .execute();
}

/** PostgreSQL takes 65,535 parameters a statement; an attempt needs 20. */
const attemptsPerStatement = 1000;

async function upsertAttempts(
  transaction: Transaction<DatabaseSchema>,
  state: GenerationState,
): Promise<void> {
  const attempts = state.slots.flatMap((slot) =>
    slot.attempts.map((attempt) => ({ slot: slot.slot, attempt })),
  );
  for (let start = 0; start < attempts.length; start += attemptsPerStatement) {
    await upsertSomeAttempts(
      transaction,
      state.generationId,
      attempts.slice(start, start + attemptsPerStatement),
    );
  }
}

async function upsertSomeAttempts(
  transaction: Transaction<DatabaseSchema>,
  generationId: string,
  attempts: readonly { slot: number; attempt: AttemptRecord }[],
): Promise<void> {
  await transaction
    .insertInto('attempts')
    .values(attempts.map(({ slot, attempt }) => attemptRow(generationId, slot, attempt)))
    .onConflict((conflict) =>
      conflict.columns(['generation_id', 'slot', 'number']).doUpdateSet((row) => ({
        provider: row.ref('excluded.provider'),
        endpoint: row.ref('excluded.endpoint'),
        outcome: row.ref('excluded.outcome'),
        started_at: row.ref('excluded.started_at'),
        seconds: row.ref('excluded.seconds'),
        cost_usd: row.ref('excluded.cost_usd'),
        cost_estimated: row.ref('excluded.cost_estimated'),
        at_risk_usd: row.ref('excluded.at_risk_usd'),
        error_class: row.ref('excluded.error_class'),
        error_code: row.ref('excluded.error_code'),
        message: row.ref('excluded.message'),
        certainty: row.ref('excluded.certainty'),
        provider_request_id: row.ref('excluded.provider_request_id'),
        repeats: row.ref('excluded.repeats'),
        last_repeat_at: row.ref('excluded.last_repeat_at'),
        job_key: row.ref('excluded.job_key'),
        billing: sql`excluded.billing`,
      })),
    )
    .execute();
}
