import type { GenerationRecord, SlotRecord } from '../../db';
import type { AttemptRecord } from '../../domain/attempt-record';
import type { ExtraPicture, SlotStatus } from '../../domain/generation';
import type { FlowRequest, LoraBaseModel } from '../../domain/requests';
import { refusedBy } from '../../domain/refused-by';
import type { ProviderHealthRecord } from '../../domain/provider-health';
import { assetUrl, generationLinks } from '../http/links';
import { roundUsd } from '../../domain/round-usd';
import type { RunningCall, TemporalPort } from '../temporal/temporal-port';

/** What is known of a generation beside its record. */
export interface GenerationFacts {
  isLive: boolean;
  calls: readonly RunningCall[];
  /** Of the providers; may be empty where no slot waits. */
  health: readonly ProviderHealthRecord[];
}

/** One generation as `GET /v1/generations/{id}` shows it. What is not known yet is `null`. */
export function generationView(
  record: GenerationRecord,
  temporal: TemporalPort,
  { isLive, calls, health }: GenerationFacts,
) {
  return {
    id: record.generationId,
    flow: record.flow,
    characterId: record.characterId,
    nsfw: record.nsfw,
    status: record.status,
    /** `false`: no worker answered, this is the last state that was stored. */
    live: isLive,
    costUsd: roundUsd(record.costUsd),
    costEstimated: record.costEstimated,
    /** Perhaps paid on top, with nothing to show for it; what the notices tell included. */
    atRiskUsd: roundUsd(record.atRiskUsd + record.forgottenUsd),
    /** What happened to the workflow from outside, and what that may cost. */
    notices: record.notices,
    caller: record.caller,
    /** Endpoints that made the finished pictures. */
    engines: record.engines,
    /** `false`: the set mixes engines. */
    coherent: record.engines.length <= 1,
    lora: loraView(record.request),
    /** The picture this one replaces. */
    lineage: record.lineage ?? null,
    /** Paid pictures that came late, beside those the slots kept. */
    extras: (record.extras ?? []).map(extraView),
    /** Provider jobs of which nobody knows yet what they cost: their price is at risk until then. */
    unsettledJobs: record.unsettledJobs ?? 0,
    error: record.error ?? null,
    createdAt: record.createdAt,
    startedAt: record.startedAt ?? null,
    finishedAt: record.finishedAt ?? null,
    deadlineAt: record.deadlineAt ?? null,
    slots: record.slots.map((slot) => ({
      ...slotView(slot, calls),
      waiting: waitingView(slot, record, health),
    })),
    links: generationLinks(record, temporal),
  };
}

/** The LoRA that keeps the face; which one a request means is not always written in it. */
export function loraView(
  request: FlowRequest | undefined,
): { id: string; baseModel: LoraBaseModel; strength: number } | null {
  if (request?.flow !== 'studio' || request.lora === undefined) return null;
  const { loraId: id, baseModel, strength } = request.lora;
  return { id, baseModel, strength };
}

function extraView({ asset, ...extra }: ExtraPicture) {
  const { assetId, mediaType, width = null, height = null } = asset;
  return { ...extra, assetId, assetUrl: assetUrl(assetId), mediaType, width, height };
}

/** Our own notes stay with us. */
function attemptView(attempt: AttemptRecord): Omit<AttemptRecord, 'byKey'> {
  const shown = { ...attempt };
  delete shown.byKey;
  return shown;
}

function slotView(slot: SlotRecord, calls: readonly RunningCall[]) {
  const { asset } = slot;
  return {
    slot: slot.slot,
    label: slot.label,
    status: slot.status,
    provider: slot.provider ?? null,
    endpoint: slot.endpoint ?? null,
    /** With `hedge`: the provider that is asked beside a slow one. */
    racing: slot.racing ?? null,
    identity: slot.identity,
    seed: slot.seed,
    attempts: slot.attempts.map(attemptView),
    costUsd: roundUsd(slot.costUsd),
    costEstimated: slot.costEstimated,
    atRiskUsd: roundUsd(slot.atRiskUsd),
    /** `true`: a stored picture of the same recipe, at no cost. */
    reused: slot.reused ?? false,
    assetId: asset?.assetId ?? null,
    assetUrl: asset === undefined ? null : assetUrl(asset.assetId),
    mediaType: asset?.mediaType ?? null,
    width: asset?.width ?? null,
    height: asset?.height ?? null,
    error: slotErrorView(slot),
    /** While it is `needs_decision`: what is at stake. */
    decision: slot.decision ?? null,
    running: runningView(slot, calls),
    startedAt: slot.startedAt ?? null,
    finishedAt: slot.finishedAt ?? null,
  };
}

/** `refused`: what was sent, or what was made of it. `null`: the slot failed for another reason. */
function slotErrorView({ error, attempts }: SlotRecord) {
  if (error === undefined) return null;
  const code = attempts.findLast(({ errorClass }) => errorClass === error.code)?.errorCode;
  return { ...error, refused: (code !== undefined && refusedBy(code)) || null };
}

/** Why a slot waits, when it goes on at the latest, and when its providers are asked next whether they are back. */
function waitingView(
  { status, waiting }: SlotRecord,
  { deadlineAt }: GenerationRecord,
  health: GenerationFacts['health'],
) {
  // The row keeps it until the slot ends: since when it could not be served.
  if (waiting === undefined || status !== 'waiting') return null;
  const probes = health.flatMap(({ provider, nextProbeAt }) =>
    nextProbeAt !== undefined && waiting.watched.includes(provider) ? [nextProbeAt] : [],
  );
  return { ...waiting, nextProbeAt: probes.toSorted()[0] ?? null, deadlineAt: deadlineAt ?? null };
}

const endStatuses: readonly SlotStatus[] = ['completed', 'failed', 'cancelled'];

/** A call that Temporal still lists for a slot that has ended is a moment late. */
function runningView(slot: SlotRecord, calls: readonly RunningCall[]) {
  if (endStatuses.includes(slot.status)) return null;
  const call = calls.find((one) => one.slot === slot.slot);
  if (call === undefined) return null;
  const { attempt, since = null, lastError = null, progress = null } = call;
  return { attempt, since, lastError, progress };
}
