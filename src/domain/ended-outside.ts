import type { AttemptRecord, EndedOutsideCode } from './attempt-record';
import type { GenerationState, SlotState, SubmitInFlight } from './generation';
import { roundUsd } from './round-usd';

/** Why and when a workflow was ended that could not write down how its calls ended. */
export interface OutsideEnd {
  code: EndedOutsideCode;
  /** ISO 8601. */
  at: string;
}

/**
 * The last state of a workflow that was ended from outside, with what was in flight then as attempts of unknown outcome:
 * their price is at risk. Nobody settles a job any more. Newer than anything the workflow itself has written.
 */
export function withInFlightAtRisk(state: GenerationState, end: OutsideEnd): GenerationState {
  const { inFlight = [], ...rest } = state;
  const slots = state.slots.map((slot) =>
    inFlight
      .filter((submit) => submit.slot === slot.slot)
      .reduce((known, submit) => withAttempt(known, attemptOf(submit, end)), slot),
  );
  const sum = (of: (slot: SlotState) => number): number =>
    roundUsd(slots.reduce((usd, slot) => usd + of(slot), 0));
  return {
    ...rest,
    unsettledJobs: undefined,
    revision: state.revision + 1,
    slots,
    costUsd: sum(({ costUsd }) => costUsd),
    atRiskUsd: sum(({ atRiskUsd }) => atRiskUsd),
  };
}

function withAttempt(slot: SlotState, attempt: AttemptRecord): SlotState {
  const attempts = [...slot.attempts, { ...attempt, number: slot.attempts.length + 1 }];
  return { ...slot, attempts, atRiskUsd: roundUsd(slot.atRiskUsd + (attempt.atRiskUsd ?? 0)) };
}

function attemptOf(
  { provider, endpoint, jobKey, priceUsd, since }: SubmitInFlight,
  end: OutsideEnd,
): AttemptRecord {
  return {
    number: 0,
    provider,
    endpoint,
    jobKey,
    outcome: 'failed',
    startedAt: since,
    seconds: (Date.parse(end.at) - Date.parse(since)) / 1000,
    ...(priceUsd > 0 && { atRiskUsd: priceUsd }),
    errorClass: 'transient',
    errorCode: end.code,
    message: 'The job was ended from outside while this call was under way, or its job was still open.',
    certainty: 'unknown',
  };
}
