import { sql, type Transaction } from 'kysely';
import type { AttemptRecord } from '../domain/attempt-record';
import {
  forgottenJobs,
  forgottenUsdOf,
  goesOnFrom,
  resetNotice,
  stillForgotten,
  type EarlierRuns,
  type Notice,
} from '../domain/forgotten';
import type { GenerationState, SlotState } from '../domain/generation';
import { roundUsd } from '../domain/round-usd';
import { workflowIdOf } from '../domain/workflow-id';
import { insertAssets } from './asset-records';
import type { Database } from './database';
import { findSlots } from './find-generation';
import { attemptRow, generationColumns, slotRow } from './generation-rows';
import type { DatabaseSchema } from './schema';

export type SaveOutcome =
  | { kind: 'done'; forgottenUsd: number }
  /** Nothing was written: what is stored is of a run that was reset. First find out what the earlier runs knew. */
  | { kind: 'reset' };

/**
 * Writes a generation, its slots and attempts as one. Safe to repeat, and states may arrive in any order: one that is
 * not newer than what is stored changes nothing.
 *
 * @param earlier what the runs before a reset knew last
 */
export async function saveState(
  db: Database,
  state: GenerationState,
  earlier?: EarlierRuns,
): Promise<SaveOutcome> {
  return await db.transaction().execute(async (transaction): Promise<SaveOutcome> => {
    const stored = await findStored(transaction, state.generationId);
    let notices = stored?.notices ?? [];
    if (stored !== undefined && !isNewer(state, stored))
      return { kind: 'done', forgottenUsd: forgottenUsdOf(notices) };
    // Before its first report a generation is that of the run that was started first.
    if (stored !== undefined && !goesOnFrom(state, stored.run_id ?? state.firstRun)) {
      if (earlier === undefined) return { kind: 'reset' };
      notices = [...notices, await noteReset(transaction, { stored, state, earlier })];
      await transaction.deleteFrom('slots').where('generation_id', '=', state.generationId).execute();
    }
    notices = notices.filter(({ code }) => code === 'reset').map((notice) => withoutFound(notice, state));
    const forgottenUsd = forgottenUsdOf(notices);
    const isWritten = await upsertGeneration(transaction, state, { notices, forgottenUsd });
    if (!isWritten) return { kind: 'done', forgottenUsd };
    const kept = state.slots.flatMap((slot) => (slot.asset === undefined ? [] : [slot.asset]));
    const assets = [...kept, ...(state.extras ?? []).map(({ asset }) => asset)];
    await insertAssets(transaction, assets, 'generation');
    await upsertSlots(transaction, state.generationId, state.slots);
    await upsertAttempts(transaction, state);
    return { kind: 'done', forgottenUsd };
  });
}

function findStored(transaction: Transaction<DatabaseSchema>, id: string) {
  return transaction
    .selectFrom('generations')
    .select(['id', 'run_id', 'revision', 'status', 'notices', 'reserved_usd', 'cost_usd', 'at_risk_usd'])
    .select(sql<string>`now()`.as('read_at'))
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
}

type StoredRow = NonNullable<Awaited<ReturnType<typeof findStored>>>;

/** A row that is merely accepted gives way to any report, whatever number the workflow starts counting at. */
function isNewer({ revision }: GenerationState, stored: StoredRow): boolean {
  return stored.revision < revision || stored.status === 'accepted';
}

/** What the caller has paid, or may have, and the run after a reset knows nothing of. */
async function noteReset(
  transaction: Transaction<DatabaseSchema>,
  { stored, state, earlier }: { stored: StoredRow; state: GenerationState; earlier: EarlierRuns },
): Promise<Notice> {
  const slots = await findSlots(transaction, stored.id);
  const noticed = stored.notices.flatMap((notice) => notice.jobs);
  const jobs = forgottenJobs([...earlier.states, { slots }], state, noticed);
  const unspentUsd = Math.max(0, stored.reserved_usd - stored.cost_usd - stored.at_risk_usd);
  const isEnded = stored.status !== 'accepted' && stored.status !== 'running';
  const unknownUsd = earlier.isComplete || isEnded ? 0 : unspentUsd;
  return resetNotice(jobs, { at: stored.read_at, unknownUsd });
}

function withoutFound(notice: Notice, state: GenerationState): Notice {
  const jobs = stillForgotten(notice.jobs, state);
  const foundUsd = notice.jobs.reduce((sum, job) => (jobs.includes(job) ? sum : sum + job.usd), 0);
  return { ...notice, jobs, atRiskUsd: roundUsd(notice.atRiskUsd - foundUsd) };
}

async function upsertGeneration(
  transaction: Transaction<DatabaseSchema>,
  state: GenerationState,
  { notices, forgottenUsd }: { notices: Notice[]; forgottenUsd: number },
): Promise<boolean> {
  const columns = {
    ...generationColumns(state),
    notices: JSON.stringify(notices),
    forgotten_usd: forgottenUsd,
  };
  const written = await transaction
    .insertInto('generations')
    // Where the accepting API has lost its row, the workflow alone knows whose it is.
    .values({
      id: state.generationId,
      workflow_id: workflowIdOf(state),
      ...(state.caller !== undefined && { caller: state.caller }),
      ...columns,
    })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet(columns)
        // Another process may have inserted the row in the meantime.
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
