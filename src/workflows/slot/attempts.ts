import { overtakenCode, type AttemptRecord } from '../../domain/attempt-record';
import type { SlotState } from '../../domain/generation';
import type { Job, Ledger, Money } from '../../domain/ledger';
import { roundUsd } from '../../domain/round-usd';
import type { DispatchCertainty } from '../../domain/taxonomy';
import { atRiskUsd, costUsd, isSmallCost } from './rules/ledger';
import type { PictureProblem } from './rules/apply';

/** Attempts listed one by one; in a longer outage those that end alike are only counted, or the state outgrows a payload. */
const listedAttempts = 20;

/** Adds what a call reports. Returns the number of the latest attempt that may have sent something. */
export function addAttempts(
  { attempts }: SlotState,
  trail: readonly AttemptRecord[],
  priceUsd: number,
): number | undefined {
  let latest: number | undefined;
  for (const record of trail) {
    const alike =
      attempts.length < listedAttempts
        ? undefined
        : attempts.find((known) => isRepeat(known, record, priceUsd));
    const number = alike?.number ?? attempts.length + 1;
    if (record.certainty !== 'not_sent') latest = number;
    if (alike === undefined) {
      attempts.push({ ...record, number });
    } else {
      alike.repeats = (alike.repeats ?? 0) + 1;
      alike.lastRepeatAt = record.startedAt;
    }
  }
  return latest;
}

/** Brings the slot's figures, and those of its attempts, in line with its jobs. */
export function showMoney(slot: SlotState, ledger: Ledger): void {
  const { jobs } = ledger;
  const keys = new Set(jobs.map(({ key }) => key));
  for (const attempt of slot.attempts) {
    const shown = jobs.filter((job) => job.attempt === attempt.number && job.money.kind !== 'committed');
    if (shown.length === 0 && !keys.has(attempt.jobKey ?? '')) continue;
    delete attempt.costUsd;
    delete attempt.costEstimated;
    delete attempt.billing;
    delete attempt.atRiskUsd;
    Object.assign(attempt, sumOf(shown));
  }
  slot.costUsd = roundUsd(costUsd(ledger));
  slot.atRiskUsd = roundUsd(atRiskUsd(ledger));
  slot.costEstimated = jobs.some(({ money }) => money.kind === 'cost' && money.estimated === true);
}

/** Several jobs stand behind an attempt that was repeated. */
function sumOf(
  jobs: readonly Job[],
): Pick<AttemptRecord, 'costUsd' | 'costEstimated' | 'billing' | 'atRiskUsd'> {
  const costs = jobs.flatMap(({ money }) => (money.kind === 'cost' ? [money] : []));
  const risks = jobs.flatMap(({ money }) => (money.kind === 'at_risk' ? [money.usd] : []));
  const total = (usd: readonly number[]): number => roundUsd(usd.reduce((sum, one) => sum + one, 0));
  const billing = costs.find((money) => money.billing !== undefined)?.billing;
  const isKnown = costs.length > 0 || (jobs.length > 0 && risks.length === 0);
  return {
    ...(isKnown && { costUsd: total(costs.map(({ usd }) => usd)) }),
    ...(isKnown && { costEstimated: costs.some(({ estimated }) => estimated === true) }),
    ...(billing !== undefined && { billing }),
    ...(risks.length > 0 && { atRiskUsd: total(risks) }),
  };
}

/** What an attempt says of the money of its job. */
export function moneyOf(attempt: AttemptRecord | undefined): Money | undefined {
  if (attempt?.costUsd === 0) return { kind: 'free' };
  if (attempt?.costUsd !== undefined) {
    const { costUsd: usd, costEstimated: estimated, billing } = attempt;
    return { kind: 'cost', usd, estimated, billing };
  }
  return attempt?.atRiskUsd === undefined ? undefined : { kind: 'at_risk', usd: attempt.atRiskUsd };
}

/** What nobody knew of a submit is known now. */
export function learn({ attempts }: SlotState, jobKey: string, certainty: DispatchCertainty): void {
  if (certainty === 'unknown') return;
  for (const attempt of attempts) {
    if (attempt.jobKey === jobKey && attempt.certainty === 'unknown') attempt.certainty = certainty;
  }
}

/** The set has no use for the picture that the call made. */
export function discarded(
  trail: readonly AttemptRecord[],
  { code, message }: PictureProblem,
): AttemptRecord[] {
  return trail.map((record) =>
    record.outcome === 'succeeded'
      ? { ...record, outcome: 'failed', errorClass: 'corrupt', errorCode: code, message }
      : record,
  );
}

/** The call lost a race. Its picture, where it made one after all, is of no use. */
export function overtaken(trail: readonly AttemptRecord[]): AttemptRecord[] {
  const message = 'Stopped: another provider was faster.';
  return trail.map((record) =>
    record.outcome === 'failed'
      ? record
      : { ...record, outcome: 'cancelled', errorCode: overtakenCode, message },
  );
}

/**
 * Alike in all that a reader counts: neither was sent, both cost nothing or next to nothing, both ask for one open job, or
 * both are at risk.
 */
function isRepeat(known: AttemptRecord, record: AttemptRecord, priceUsd: number): boolean {
  const isSame =
    known.outcome === 'failed' &&
    record.outcome === 'failed' &&
    known.provider === record.provider &&
    known.endpoint === record.endpoint &&
    known.errorCode === record.errorCode &&
    known.certainty === record.certainty;
  if (!isSame) return false;
  if (known.costUsd !== undefined && record.costUsd !== undefined) {
    const eachUsd = known.costUsd / (1 + (known.repeats ?? 0));
    return isSmallCost(eachUsd, priceUsd) && isSmallCost(record.costUsd, priceUsd);
  }
  if (known.costUsd !== undefined || record.costUsd !== undefined) return false;
  if (known.providerRequestId !== record.providerRequestId) return false;
  const isAtRisk = known.atRiskUsd !== undefined;
  if (isAtRisk !== (record.atRiskUsd !== undefined)) return false;
  // Several submits in doubt are counted together; what asks for one open job stays with that job.
  if (isAtRisk) return record.certainty === 'unknown';
  return known.jobKey === record.jobKey || record.certainty === 'not_sent';
}
