import type { GenerationRecord, UnfinishedEnd } from '../../db';
import type { EndedOutsideCode } from '../../domain/attempt-record';
import { withInFlightAtRisk } from '../../domain/ended-outside';
import { goesOnFrom, lostNotice } from '../../domain/forgotten';
import type { GenerationState, GenerationStatus } from '../../domain/generation';
import type { ApiContext } from '../context';
import type { RunDescription, RunStatus } from '../temporal/temporal-port';

/** A generation as of now. */
export interface GenerationReading {
  record: GenerationRecord;
  /** `false`: no worker answered, so the record may lag behind. */
  isLive: boolean;
  calls: RunDescription['calls'];
}

/** Start and row are two systems: for this long a row without a workflow is a start under way, not a lost one. */
const startGraceMs = 15_000;

/** Temporal keeps a workflow that has ended for a day at least: one it does not know within that time never started. */
const keptAtLeastMs = 24 * 3600 * 1000;

/** Whether nothing more will happen to a generation. */
export function isFinished(status: GenerationStatus): boolean {
  return status !== 'accepted' && status !== 'running';
}

/**
 * Reads a generation: from the database once it has finished, else from its workflow. A workflow that is gone, or was
 * ended from outside, can no longer report; then this ends the generation in the database in its place.
 */
export async function readGeneration(
  context: ApiContext,
  id: string,
): Promise<GenerationReading | undefined> {
  const record = await context.generations.find(id);
  if (record === undefined) return undefined;
  if (isFinished(record.status)) return finished(record);
  const { temporal } = context;
  const [state, run] = await Promise.all([
    temporal.progress(record.workflowId).catch(() => undefined),
    temporal.describe(record.workflowId).catch(() => 'unreachable' as const),
  ]);
  if (run === undefined) return await withoutWorkflow(context, record);
  if (state !== undefined && isFinished(state.status)) return await finishedLate(context, record, state);
  const end = run === 'unreachable' ? undefined : ends[run.status];
  if (end !== undefined) return await endedOutside(context, record, end);
  const calls = run === 'unreachable' ? [] : run.calls;
  return { record: merge(record, state), isLive: state !== undefined, calls };
}

function finished(record: GenerationRecord): GenerationReading {
  return { record, isLive: true, calls: [] };
}

function merge(record: GenerationRecord, state: GenerationState | undefined): GenerationRecord {
  if (state === undefined) return record;
  // After a reset the present run is right, however little it has done yet.
  if (state.revision < record.revision && goesOnFrom(state, record.runId)) return record;
  return { ...record, ...state, error: state.error };
}

async function save(
  context: ApiContext,
  { workflowId }: GenerationRecord,
  state: GenerationState,
): Promise<void> {
  await context.generations.saveState(state, ({ runs = [] }) =>
    context.temporal.earlierRuns(workflowId, runs),
  );
}

/** The workflow finished, but its last report has not reached the database. */
async function finishedLate(
  context: ApiContext,
  record: GenerationRecord,
  state: GenerationState,
): Promise<GenerationReading> {
  await save(context, record, state);
  return finished((await context.generations.find(record.generationId)) ?? merge(record, state));
}

async function withoutWorkflow(context: ApiContext, record: GenerationRecord): Promise<GenerationReading> {
  const isAccepted = record.status === 'accepted';
  // Both by the clock of the database: that of this process may be minutes off.
  const ageMs = Date.parse(record.readAt) - Date.parse(record.startAskedAt);
  if (isAccepted && ageMs < startGraceMs) return { record, isLive: true, calls: [] };
  if (isAccepted && ageMs < keptAtLeastMs) {
    const message = 'The job never started. Nothing was paid; send it again.';
    return await endRecord(context, record, { status: 'failed', error: { code: 'not_started', message } });
  }
  const message = 'Temporal no longer knows this job. What was finished before is kept.';
  const error = { code: 'workflow_missing', message };
  const notice = lostNotice('history_lost', unspentUsd(record), record.readAt);
  return await endRecord(context, record, { status: 'failed', error, notice });
}

/** What was set aside for the job and is in no attempt: more it cannot have paid. */
function unspentUsd({ reservedUsd, costUsd, atRiskUsd }: GenerationRecord): number {
  return Math.max(0, reservedUsd - costUsd - atRiskUsd);
}

type End = Pick<UnfinishedEnd, 'status'> & { error: UnfinishedEnd['error'] & { code: EndedOutsideCode } };

/** A workflow that ended well reports by itself; these could not. */
const ends: Partial<Record<RunStatus, End>> = {
  failed: {
    status: 'failed',
    error: { code: 'workflow_failed', message: 'The job ended by an internal error.' },
  },
  cancelled: { status: 'cancelled', error: { code: 'cancelled', message: 'Cancelled by the caller.' } },
  terminated: {
    status: 'failed',
    error: { code: 'workflow_terminated', message: 'An operator ended the job.' },
  },
  timed_out: { status: 'failed', error: { code: 'workflow_timed_out', message: 'The job ran out of time.' } },
};

async function endedOutside(
  context: ApiContext,
  record: GenerationRecord,
  end: End,
): Promise<GenerationReading> {
  // Asked once more: what it said before may have been said before it was ended.
  const last = await context.temporal.progress(record.workflowId).catch(() => undefined);
  if (last === undefined) return { record: unread(record, end), isLive: false, calls: [] };
  await save(
    context,
    record,
    withInFlightAtRisk(last, { code: end.error.code, at: new Date().toISOString() }),
  );
  const newest = await context.generations.find(record.generationId);
  return await endRecord(context, newest ?? record, end);
}

/** How it is shown until a worker can say how far it was; only then is that stored. */
function unread(record: GenerationRecord, { status, error }: End): GenerationRecord {
  const notice = lostNotice('unread', unspentUsd(record), record.readAt);
  return {
    ...record,
    status,
    error,
    notices: [...record.notices, notice],
    forgottenUsd: record.forgottenUsd + notice.atRiskUsd,
    slots: record.slots.map((slot) =>
      slot.finishedAt === undefined
        ? { ...slot, status, error, waiting: undefined, decision: undefined }
        : slot,
    ),
  };
}

async function endRecord(
  context: ApiContext,
  record: GenerationRecord,
  end: UnfinishedEnd,
): Promise<GenerationReading> {
  await context.generations.endUnfinished(record, end);
  return finished((await context.generations.find(record.generationId)) ?? record);
}
