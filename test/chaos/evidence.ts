import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { Evidence, PaidJob, SlotOutcome, WorkOutcome } from '../../proof/chaos/analysis/evidence';

export const startedAt = Date.parse('2026-01-01T00:00:00.000Z');

/** A finished attempt at Modal that took two seconds and cost two cents. */
export function attempt(fields: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    number: 1,
    provider: 'modal',
    endpoint: '/flux-dev',
    outcome: 'succeeded',
    startedAt: new Date(startedAt).toISOString(),
    seconds: 2,
    costUsd: 0.02,
    certainty: 'accepted',
    ...fields,
  };
}

/** An attempt of which nobody knows whether it was paid. */
export function unknownAttempt(fields: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    ...attempt({ costUsd: undefined }),
    outcome: 'failed',
    errorClass: 'transient',
    errorCode: 'connection_lost',
    certainty: 'unknown',
    atRiskUsd: 0.02,
    ...fields,
  };
}

/** A slot that was completed at the first attempt; its own sums are those of its attempts. */
export function slot(fields: Partial<SlotOutcome> = {}): SlotOutcome {
  const attempts = fields.attempts ?? [attempt()];
  const sum = (pick: (one: AttemptRecord) => number | undefined): number =>
    attempts.reduce((total, one) => total + (pick(one) ?? 0), 0);
  return {
    slot: 1,
    status: 'completed',
    seed: 1000,
    attempts,
    costUsd: sum(({ costUsd }) => costUsd),
    atRiskUsd: sum(({ atRiskUsd }) => atRiskUsd),
    ...fields,
  };
}

/** The job behind `attempt()`. */
export function job(fields: Partial<PaidJob> = {}): PaidJob {
  return {
    n: 1,
    provider: 'modal',
    endpoint: '/flux-dev',
    workId: 'one',
    seed: 1000,
    ids: [],
    at: startedAt + 50,
    outcome: 'succeeded',
    chargedUsd: 0.02,
    ...fields,
  };
}

export function work(fields: Partial<WorkOutcome> = {}): WorkOutcome {
  const slots = fields.slots ?? [slot()];
  return {
    workId: 'one',
    flow: 'studio',
    images: slots.length,
    generationId: 'id-one',
    seed: 1000,
    status: 'completed',
    slots,
    ...fields,
  };
}

/** A flawless run of one picture; every part can be replaced. */
export function evidence(fields: Partial<Evidence> = {}): Evidence {
  return {
    policy: 'resubmit',
    named: false,
    decisions: 0,
    works: [work()],
    jobs: [job()],
    disruptions: [],
    ...fields,
  };
}
