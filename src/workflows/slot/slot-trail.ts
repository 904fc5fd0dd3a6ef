import type { AttemptRecord } from '../../domain/attempt-record';
import type { SlotState } from '../../domain/generation';
import { roundUsd } from '../../domain/round-usd';

/** Attempts listed one by one; in a longer outage those that end alike are only counted, or the state outgrows a payload. */
const listedAttempts = 20;

/** Adds what a call reports to the trail of its slot. */
export function addAttempts(slot: SlotState, trail: readonly AttemptRecord[]): void {
  const { attempts } = slot;
  for (const record of trail) {
    const alike =
      attempts.length < listedAttempts ? undefined : attempts.find((known) => isRepeat(known, record));
    if (alike === undefined) {
      attempts.push({ ...record, number: attempts.length + 1 });
    } else {
      alike.repeats = (alike.repeats ?? 0) + 1;
      alike.lastRepeatAt = record.startedAt;
      if (record.atRiskUsd !== undefined)
        alike.atRiskUsd = roundUsd((alike.atRiskUsd ?? 0) + record.atRiskUsd);
    }
  }
  sumUp(slot);
}

/** Brings the slot's figures in line with its attempts. */
export function sumUp(slot: SlotState): void {
  const { attempts } = slot;
  slot.costUsd = roundUsd(attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0));
  slot.costEstimated = attempts.some(({ costEstimated }) => costEstimated === true);
  slot.atRiskUsd = roundUsd(attempts.reduce((sum, { atRiskUsd }) => sum + (atRiskUsd ?? 0), 0));
}

/** The latest attempt made a picture, and the set has no use for it. */
export function discardLatest({ attempts }: SlotState, problem: { code: string; message: string }): void {
  const latest = attempts.at(-1);
  if (latest === undefined) return;
  const { code: errorCode, message } = problem;
  Object.assign(latest, { outcome: 'failed', errorClass: 'corrupt', errorCode, message });
}

/** Attempts whose job was done, or begun, for nothing. */
export function wastedAttempts({ attempts }: SlotState): number {
  return attempts.filter((attempt) => attempt.certainty === 'accepted' && isWasted(attempt)).length;
}

/** Submits that cost something, or may have, and gave nothing; those of them that are only counted included. */
export function perhapsPaidAttempts({ attempts }: SlotState): number {
  return attempts
    .filter(isWasted)
    .reduce((sum, { certainty, repeats = 0 }) => sum + 1 + (certainty === 'unknown' ? repeats : 0), 0);
}

/** Nobody knows whether an earlier submit was paid. */
export function hasDoubts({ attempts }: SlotState): boolean {
  return attempts.some((attempt) => attempt.certainty === 'unknown' && isWasted(attempt));
}

/** It cost something, or may have, and gave nothing. */
function isWasted(attempt: AttemptRecord): boolean {
  return attempt.outcome === 'failed' && !isFree(attempt);
}

/** It cost nothing, for certain or as far as is known. */
export function isFree({ costUsd = 0, atRiskUsd = 0 }: AttemptRecord): boolean {
  return costUsd === 0 && atRiskUsd === 0;
}

/** It carries a price: known, estimated or at risk. */
export function isCharged({ costUsd, atRiskUsd }: AttemptRecord): boolean {
  return costUsd !== undefined || atRiskUsd !== undefined;
}

function isUnsent({ certainty }: AttemptRecord): boolean {
  return certainty === 'not_sent';
}

/** Alike in all that counts for the money: neither was sent, both were free, both ask for one open job, or both are at risk. */
function isRepeat(known: AttemptRecord, record: AttemptRecord): boolean {
  const isSame =
    known.outcome === 'failed' &&
    record.outcome === 'failed' &&
    known.provider === record.provider &&
    known.endpoint === record.endpoint &&
    known.errorCode === record.errorCode &&
    known.certainty === record.certainty;
  if (!isSame) return false;
  if (known.costUsd === 0 && record.costUsd === 0) return isFree(known) && isFree(record);
  if (known.costUsd !== undefined || record.costUsd !== undefined) return false;
  if (known.providerRequestId !== record.providerRequestId) return false;
  const isAtRisk = known.atRiskUsd !== undefined;
  if (isAtRisk !== (record.atRiskUsd !== undefined)) return false;
  // Several submits in doubt are counted together; what asks for one open job stays with that job.
  return isAtRisk ? record.certainty === 'unknown' : known.jobKey === record.jobKey || isUnsent(record);
}
