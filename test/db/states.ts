import { randomUUID } from 'node:crypto';
import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { StoredAsset } from '../../src/domain/stored-asset';
import type { GenerationInput, GenerationState, SlotState } from '../../src/domain/generation';
import { studioRequestSchema, type FlowRequest } from '../../src/domain/requests';
import { planOf } from '../support/flow-requests';

/** A stored picture whose id is made of one hex digit. */
export function picture(digit: string): StoredAsset {
  return {
    assetId: digit.repeat(64),
    mediaType: 'image/png',
    bytes: 1234,
    width: 64,
    height: 48,
    frames: undefined,
    perceptualHash: undefined,
  };
}

/** One successful try at Modal. */
export function attempt(fields: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    number: 1,
    provider: 'modal',
    endpoint: '/flux-dev',
    outcome: 'succeeded',
    startedAt: '2026-01-02T03:04:05.678Z',
    seconds: 6.25,
    costUsd: 0.012345,
    costEstimated: true,
    atRiskUsd: undefined,
    errorClass: undefined,
    errorCode: undefined,
    message: undefined,
    certainty: 'accepted',
    providerRequestId: 'request-1',
    ...fields,
  };
}

/** A slot that waits for its first call. */
export function slotState(fields: Partial<SlotState> = {}): SlotState {
  return {
    slot: 1,
    label: 'front view',
    status: 'pending',
    seed: 4_294_967_295,
    provider: undefined,
    endpoint: undefined,
    identity: 'none',
    attempts: [],
    costUsd: 0,
    costEstimated: false,
    atRiskUsd: 0,
    asset: undefined,
    reused: undefined,
    error: undefined,
    waiting: undefined,
    decision: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    considered: [],
    ...fields,
  };
}

/** A running studio generation of the character `ava`. */
export function generationState(fields: Partial<GenerationState> = {}): GenerationState {
  return {
    generationId: '0190a7a0-0000-7000-8000-000000000001',
    flow: 'studio',
    characterId: 'ava',
    nsfw: false,
    status: 'running',
    revision: 1,
    deadlineAt: '2026-01-02T09:04:05.000Z',
    costUsd: 0,
    costEstimated: false,
    atRiskUsd: 0,
    engines: [],
    extras: [],
    unsettledJobs: 0,
    lineage: undefined,
    error: undefined,
    slots: [slotState()],
    startedAt: '2026-01-02T03:04:05.000Z',
    finishedAt: undefined,
    ...fields,
  };
}

/** A studio request of the character `ava` that is about to become a job, with an id of its own. */
export function generationInput(fields: Partial<GenerationInput> = {}): GenerationInput {
  const request = studioRequestSchema.parse({ characterId: 'ava', prompt: 'at the beach' });
  const flowRequest: FlowRequest = fields.flowRequest ?? { flow: 'studio', request, assets: {} };
  return {
    generationId: randomUUID(),
    characterId: 'ava',
    nsfw: false,
    caller: 'default',
    reservedUsd: 0.25,
    flowRequest,
    plan: planOf(flowRequest, fields.lineage?.slot),
    ...fields,
  };
}
