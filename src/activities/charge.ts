import type { DispatchState } from '../domain/dispatch';
import type { AttemptRecord } from '../domain/attempt-record';
import type { PlannedCandidate } from '../domain/plan';
import type { DispatchCertainty, FailureClass } from '../domain/taxonomy';
import { roundUsd } from '../domain/round-usd';
import type { ProviderCharge, ProviderError } from '../providers/errors';
import type { Stopped } from '../providers/types';

export type Charge = Pick<AttemptRecord, 'costUsd' | 'costEstimated' | 'atRiskUsd'>;

type Billed = Pick<PlannedCandidate, 'priceUsd' | 'typicalSeconds' | 'policy'>;

/**
 * What a result cost: the provider's own figure, else the price table's, marked as estimated. Providers that give a figure
 * bill by the second, so one that no call could reach before its time limit is a slip, and must not eat a caller's budget.
 */
export function costOfResult(
  reportedUsd: number | undefined,
  { priceUsd, typicalSeconds, policy }: Billed,
): { costUsd: number; costEstimated: boolean } {
  const mostUsd = (priceUsd * policy.startToCloseSeconds) / typicalSeconds;
  const isBelievable = reportedUsd !== undefined && reportedUsd <= mostUsd;
  return isBelievable
    ? { costUsd: reportedUsd, costEstimated: false }
    : { costUsd: priceUsd, costEstimated: true };
}

/**
 * What a failed attempt cost. A picture of no use was made and paid all the same; where we do not know whether the
 * provider bills a job that failed, its price is at risk. A job that is still open is neither: the workflow books it
 * when it gives the job up.
 */
export function chargeOf(
  { failureClass, certainty, charge }: ProviderError,
  dispatch: DispatchState,
  priceUsd: number,
): Charge {
  if (certainty === 'not_sent' || dispatch.phase !== 'none') return {};
  if (charge !== undefined) return costOfCharge(charge, priceUsd);
  if (isMadeForNothing(failureClass, certainty)) return costOfCharge('price', priceUsd);
  return priceUsd === 0 ? { costUsd: 0 } : { atRiskUsd: priceUsd };
}

/** What a job without a result cost, by what its provider or its rules tell. */
export function costOfCharge(charge: ProviderCharge, priceUsd: number): Charge {
  if (charge === 'none') return { costUsd: 0 };
  if (charge === 'price') return { costUsd: priceUsd, costEstimated: true };
  return { costUsd: roundUsd(charge.usd) };
}

/** What a call cost that the caller stopped, by what the provider says of it. */
export function chargeOfStopped(
  stopped: Stopped | undefined,
  certainty: DispatchCertainty,
  priceUsd: number,
): Charge {
  if (certainty === 'not_sent') return {};
  if (stopped?.kind === 'stopped') return costOfCharge(stopped.charge, priceUsd);
  return { atRiskUsd: priceUsd };
}

function isMadeForNothing(failureClass: FailureClass, certainty: DispatchCertainty): boolean {
  return certainty === 'accepted' && ['corrupt', 'policy'].includes(failureClass);
}
