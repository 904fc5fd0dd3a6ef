import type { AttemptRecord } from '../domain/attempt-record';
import type { SlotState } from '../domain/generation';
import { roundUsd } from '../domain/round-usd';

/** Attempts listed one by one; in a longer outage those that sent nothing are only counted. */
const listedAttempts = 20;

/** Corrupt answers that a proxy in front of a provider that is down gives, too: a page, JSON, nothing at all. */
const mayBeSomebodyElse: readonly string[] = ['media_not_media', 'media_empty', 'reply_invalid'];

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

/** The newest attempt at this endpoint that left an open job behind and carries no price yet. */
export function openAttempt({ attempts }: SlotState, endpoint: string): AttemptRecord | undefined {
  return attempts.findLast(
    (attempt) =>
      attempt.endpoint === endpoint &&
      attempt.outcome === 'failed' &&
      attempt.certainty !== 'not_sent' &&
      !isCharged(attempt),
  );
}

/** Attempts whose job was done, or begun, for nothing. */
export function wastedAttempts({ attempts }: SlotState): number {
  return attempts.filter((attempt) => {
    const { outcome, certainty, errorCode = '', providerRequestId } = attempt;
    const isOurs = providerRequestId !== undefined || !mayBeSomebodyElse.includes(errorCode);
    return outcome === 'failed' && certainty === 'accepted' && isCharged(attempt) && isOurs;
  }).length;
}

/** Attempts that ended without a picture and may have been billed. */
export function doubtfulAttempts({ attempts }: SlotState): number {
  return attempts.filter((attempt) => attempt.outcome === 'failed' && isCharged(attempt)).length;
}

function isCharged({ costUsd, atRiskUsd }: AttemptRecord): boolean {
  return costUsd !== undefined || atRiskUsd !== undefined;
}

function isRepeat(known: AttemptRecord, record: AttemptRecord): boolean {
  const sentNothing = known.certainty === 'not_sent' && record.certainty === 'not_sent';
  const isSame =
    known.provider === record.provider &&
    known.endpoint === record.endpoint &&
    known.errorCode === record.errorCode;
  return sentNothing && isSame && record.outcome === 'failed';
}
