import type { Insertable, Selectable } from 'kysely';
import type { AttemptRecord } from '../domain/attempt-record';
import type { StoredAsset } from '../domain/stored-asset';
import type { GenerationState, SlotState } from '../domain/generation';
import type { AttemptTable, GenerationTable, SlotTable, StoredError } from './schema';

/** A slot as the database tells it; its error may be one of ours that no workflow ever saw. */
export type SlotRecord = Omit<SlotState, 'error'> & { error?: StoredError | undefined };

/** What a reported state says of its `generations` row. Request, caller and reservation are the API's to say. */
export function generationColumns(
  state: GenerationState,
): Omit<Insertable<GenerationTable>, 'id' | 'workflow_id' | 'request' | 'caller' | 'reserved_usd'> {
  return {
    flow: state.flow,
    character_id: state.characterId,
    nsfw: state.nsfw,
    status: state.status,
    revision: state.revision,
    run_id: state.runs?.at(-1) ?? null,
    cost_usd: state.costUsd,
    cost_estimated: state.costEstimated,
    at_risk_usd: state.atRiskUsd,
    engines: JSON.stringify(state.engines),
    extras: JSON.stringify(state.extras ?? []),
    unsettled_jobs: state.unsettledJobs ?? 0,
    parent_generation_id: state.lineage?.generationId ?? null,
    parent_slot: state.lineage?.slot ?? null,
    error: jsonOrNull(state.error),
    deadline_at: state.deadlineAt ?? null,
    started_at: state.startedAt,
    finished_at: state.finishedAt ?? null,
  };
}

/** A `slots` row for a reported slot. */
export function slotRow(generationId: string, slot: SlotState): Insertable<SlotTable> {
  return {
    generation_id: generationId,
    slot: slot.slot,
    label: slot.label,
    status: slot.status,
    provider: slot.provider ?? null,
    endpoint: slot.endpoint ?? null,
    identity: slot.identity,
    seed: slot.seed,
    asset_id: slot.asset?.assetId ?? null,
    cost_usd: slot.costUsd,
    cost_estimated: slot.costEstimated,
    at_risk_usd: slot.atRiskUsd,
    error: jsonOrNull(slot.error),
    waiting: jsonOrNull(slot.waiting),
    decision: jsonOrNull(slot.decision),
    reused: slot.reused ?? null,
    considered: JSON.stringify(slot.considered),
    started_at: slot.startedAt ?? null,
    finished_at: slot.finishedAt ?? null,
  };
}

/** An `attempts` row for one entry of a slot's trail. */
export function attemptRow(
  generationId: string,
  slot: number,
  attempt: AttemptRecord,
): Insertable<AttemptTable> {
  return {
    generation_id: generationId,
    slot,
    number: attempt.number,
    provider: attempt.provider,
    endpoint: attempt.endpoint,
    outcome: attempt.outcome,
    started_at: attempt.startedAt,
    seconds: attempt.seconds,
    cost_usd: attempt.costUsd ?? null,
    cost_estimated: attempt.costEstimated ?? null,
    at_risk_usd: attempt.atRiskUsd ?? null,
    error_class: attempt.errorClass ?? null,
    error_code: attempt.errorCode ?? null,
    message: attempt.message ?? null,
    certainty: attempt.certainty,
    provider_request_id: attempt.providerRequestId ?? null,
    repeats: attempt.repeats ?? null,
    last_repeat_at: attempt.lastRepeatAt ?? null,
    job_key: attempt.jobKey ?? null,
    billing: jsonOrNull(attempt.billing),
  };
}

/** The inverse of `slotRow`, with what hangs on the slot. */
export function toSlotRecord(
  row: Selectable<SlotTable>,
  asset: StoredAsset | undefined,
  attempts: AttemptRecord[],
): SlotRecord {
  return {
    slot: row.slot,
    label: row.label,
    status: row.status,
    seed: row.seed,
    provider: row.provider ?? undefined,
    endpoint: row.endpoint ?? undefined,
    identity: row.identity,
    attempts,
    costUsd: row.cost_usd,
    costEstimated: row.cost_estimated,
    atRiskUsd: row.at_risk_usd,
    asset,
    reused: row.reused ?? undefined,
    error: row.error ?? undefined,
    waiting: row.waiting ?? undefined,
    decision: row.decision ?? undefined,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    considered: row.considered,
  };
}

/** The inverse of `attemptRow`. */
export function toAttemptRecord(row: Selectable<AttemptTable>): AttemptRecord {
  return {
    number: row.number,
    provider: row.provider,
    endpoint: row.endpoint,
    outcome: row.outcome,
    startedAt: row.started_at,
    seconds: row.seconds,
    costUsd: row.cost_usd ?? undefined,
    costEstimated: row.cost_estimated ?? undefined,
    atRiskUsd: row.at_risk_usd ?? undefined,
    errorClass: row.error_class ?? undefined,
    errorCode: row.error_code ?? undefined,
    message: row.message ?? undefined,
    certainty: row.certainty,
    providerRequestId: row.provider_request_id ?? undefined,
    repeats: row.repeats ?? undefined,
    lastRepeatAt: row.last_repeat_at ?? undefined,
    jobKey: row.job_key ?? undefined,
    billing: row.billing ?? undefined,
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
