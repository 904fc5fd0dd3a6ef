import type { GenerationRecord, GenerationRef, UnfinishedEnd } from '../../db';
import type { EndedOutsideCode } from '../../domain/attempt-record';
import { withInFlightAtRisk } from '../../domain/ended-outside';
import { goesOnFrom, lostNotice } from '../../domain/forgotten';
import { openSlotStatuses, type GenerationState, type GenerationStatus } from '../../domain/generation';
import type { ApiContext } from '../context';
import type { RunDescription, RunStatus } from '../temporal/temporal-port';

/** A generation as of now. */
export interface GenerationReading extends FreshReading {
  /** Pictures in it of which the database does not know yet whose they are. */
  unnotedAssets: string[];
}

interface FreshReading {
  record: GenerationRecord;
  /** `false`: no worker answered, so the record may lag behind. */
  isLive: boolean;
  calls: RunDescription['calls'];
  /** What the database does not know yet, because the workflow could not tell it; see `reconcile`. */
  unstored?: UnstoredEnd | undefined;
}

/** How a generation ended without a word to the database. */
export interface UnstoredEnd {
  /** As the database has it. */
  seen: GenerationRecord;
  /** What the workflow knew last. */
  state?: GenerationState | undefined;
  /** Left out: the workflow itself has ended it. */
  end?: UnfinishedEnd | undefined;
}

/** Start and row are two systems: for this long a row without a workflow is a start under way, not a lost one. */
const startGraceMs = 15_000;

/** Temporal keeps a workflow that has ended for a day at least: one it does not know within that time never started. */
const keptAtLeastMs = 24 * 3600 * 1000;

/** Whether nothing more will happen to a generation. */
export function isFinished(status: GenerationStatus): boolean {
  return status !== 'accepted' && status !== 'running';
}

type Sources = Pick<ApiContext, 'generations' | 'temporal'>;

/**
 * Reads a generation of this caller: from the database once it has finished, else from its workflow. Where that is gone, or
 * was ended from outside, it is shown as ended; `reconcile` writes that down. Writes nothing.
 */
export async function readGeneration(
  context: Sources,
  generation: GenerationRef,
): Promise<GenerationReading | undefined> {
  const stored = await context.generations.find(generation);
  return stored && (await readStored(context, stored));
}

/** The same for our own housekeeping, whosever it is. */
export async function readGenerationOfAnyone(
  context: Sources,
  id: string,
): Promise<GenerationReading | undefined> {
  const stored = await context.generations.findOfAnyone(id);
  return stored && (await readStored(context, stored));
}

async function readStored(context: Sources, stored: GenerationRecord): Promise<GenerationReading> {
  const reading = await readFresh(context, stored);
  const noted = new Set(assetIdsOf(stored));
  const unnotedAssets = assetIdsOf(reading.record).filter((id) => !noted.has(id));
  return { ...reading, unnotedAssets };
}

function assetIdsOf({ slots, extras = [] }: GenerationRecord): string[] {
  return [...slots, ...extras].flatMap(({ asset }) => (asset === undefined ? [] : [asset.assetId]));
}

async function readFresh(context: Sources, record: GenerationRecord): Promise<FreshReading> {
  if (isFinished(record.status)) return { record, isLive: true, calls: [] };
  const { temporal } = context;
  const [state, run] = await Promise.all([
    temporal.progress(record.workflowId).catch(() => undefined),
    temporal.describe(record.workflowId).catch(() => 'unreachable' as const),
  ]);
  if (run === undefined) return withoutWorkflow(record);
  if (state !== undefined && isFinished(state.status)) {
    return { record: merge(record, state), isLive: true, calls: [], unstored: { seen: record, state } };
  }
  const end = run === 'unreachable' ? undefined : ends[run.status];
  if (end !== undefined) return await endedOutside(context, record, end);
  const calls = run === 'unreachable' ? [] : run.calls;
  return { record: merge(record, state), isLive: state !== undefined, calls };
}

function merge(record: GenerationRecord, state: GenerationState | undefined): GenerationRecord {
  if (state === undefined) return record;
  // After a reset the present run is right, however little it has done yet.
  if (state.revision < record.revision && goesOnFrom(state, record.runId)) return record;
  return { ...record, ...state, error: state.error, unsettledJobs: state.unsettledJobs ?? 0 };
}

function withoutWorkflow(record: GenerationRecord): FreshReading {
  const isAccepted = record.status === 'accepted';
  // Both by the clock of the database: that of this process may be minutes off.
  const ageMs = Date.parse(record.readAt) - Date.parse(record.startAskedAt);
  if (isAccepted && ageMs < startGraceMs) return { record, isLive: true, calls: [] };
  if (isAccepted && ageMs < keptAtLeastMs) {
    const message = 'The job never started. Nothing was paid; send it again.';
    return ended(record, { status: 'failed', error: { code: 'not_started', message } });
  }
  const message = 'Temporal no longer knows this job. What was finished before is kept.';
  const error = { code: 'workflow_missing', message };
  return ended(record, {
    status: 'failed',
    error,
    notice: lostNotice('history_lost', unspentUsd(record), record.readAt),
  });
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
  { temporal }: Pick<ApiContext, 'temporal'>,
  record: GenerationRecord,
  end: End,
): Promise<FreshReading> {
  // Asked once more: what it said before may have been said before it was ended.
  const last = await temporal.progress(record.workflowId).catch(() => undefined);
  // How it is shown until a worker can say how far it was; only then is it stored.
  if (last === undefined) {
    const notice = lostNotice('unread', unspentUsd(record), record.readAt);
    return { record: ended(record, { ...end, notice }).record, isLive: false, calls: [] };
  }
  const state = withInFlightAtRisk(last, { code: end.error.code, at: record.readAt });
  const reading = ended({ ...record, ...state, error: state.error }, end);
  return { ...reading, unstored: { seen: record, state, end } };
}

/** Shown as it will be stored. */
function ended(record: GenerationRecord, end: UnfinishedEnd): FreshReading {
  const { status, error, notice } = end;
  const shown: GenerationRecord = {
    ...record,
    status,
    error,
    finishedAt: record.readAt,
    unsettledJobs: 0,
    ...(notice !== undefined && {
      notices: [...record.notices, notice],
      forgottenUsd: record.forgottenUsd + notice.atRiskUsd,
    }),
    slots: record.slots.map((slot) =>
      openSlotStatuses.includes(slot.status)
        ? { ...slot, status, error, waiting: undefined, decision: undefined, finishedAt: record.readAt }
        : slot,
    ),
  };
  return { record: shown, isLive: true, calls: [], unstored: { seen: record, end } };
}
