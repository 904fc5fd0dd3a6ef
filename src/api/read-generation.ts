import type { GenerationRecord, StoredError } from '../db';
import type { GenerationState, GenerationStatus } from '../domain/generation';
import type { ApiContext } from './context';
import type { RunDescription, RunStatus } from './temporal-port';

/** A generation as of now. */
export interface GenerationReading {
  record: GenerationRecord;
  /** `false`: no worker answered, so the record may lag behind. */
  isLive: boolean;
  calls: RunDescription['calls'];
}

/** Start and row are two systems: for this long a row without a workflow is a start under way, not a lost one. */
const startGraceMs = 15_000;

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
  if (end !== undefined) return await endedOutside(context, record, { state, end });
  const calls = run === 'unreachable' ? [] : run.calls;
  return { record: merge(record, state), isLive: state !== undefined, calls };
}

function finished(record: GenerationRecord): GenerationReading {
  return { record, isLive: true, calls: [] };
}

function merge(record: GenerationRecord, state: GenerationState | undefined): GenerationRecord {
  if (state === undefined || state.revision < record.revision) return record;
  return { ...record, ...state, error: state.error };
}

/** The workflow finished, but its last report has not reached the database. */
async function finishedLate(
  context: ApiContext,
  record: GenerationRecord,
  state: GenerationState,
): Promise<GenerationReading> {
  await context.generations.saveState(state);
  return finished(merge(record, state));
}

async function withoutWorkflow(context: ApiContext, record: GenerationRecord): Promise<GenerationReading> {
  const isAccepted = record.status === 'accepted';
  // Both by the clock of the database: that of this process may be minutes off.
  const ageMs = Date.parse(record.readAt) - Date.parse(record.startAskedAt);
  if (isAccepted && ageMs < startGraceMs) return { record, isLive: true, calls: [] };
  const error = isAccepted
    ? { code: 'not_started', message: 'The job never started. Nothing was paid; send it again.' }
    : {
        code: 'workflow_missing',
        message: 'Temporal no longer knows this job. What was finished before is kept.',
      };
  return await endRecord(context, record, { status: 'failed', error });
}

type End = { status: 'failed' | 'cancelled'; error: StoredError };

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
  { state, end }: { state: GenerationState | undefined; end: End },
): Promise<GenerationReading> {
  if (state !== undefined) await context.generations.saveState(state);
  const newest = state === undefined ? record : await context.generations.find(record.generationId);
  return await endRecord(context, newest ?? record, end);
}

async function endRecord(
  context: ApiContext,
  record: GenerationRecord,
  end: End,
): Promise<GenerationReading> {
  await context.generations.endUnfinished(record, end);
  return finished((await context.generations.find(record.generationId)) ?? record);
}
