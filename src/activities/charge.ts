import type { DispatchState } from '../domain/dispatch';
import type { AttemptRecord } from '../domain/generation';
import type { ProviderError } from '../providers/errors';

export type Charge = Pick<AttemptRecord, 'costUsd' | 'costEstimated' | 'atRiskUsd'>;

/**
 * What a failed attempt cost. A picture of no use was made and paid all the same; where we do not know whether the
 * provider bills a job that failed, its price is at risk. A job that is still open is neither: the workflow books it
 * when it gives the job up.
 */
export function chargeOf(
  { failureClass, certainty }: ProviderError,
  dispatch: DispatchState,
  priceUsd: number,
): Charge {
  if (certainty === 'not_sent' || dispatch.phase !== 'none') return {};
  const wasMade = certainty === 'accepted' && ['corrupt', 'policy'].includes(failureClass);
  return wasMade ? { costUsd: priceUsd, costEstimated: true } : { atRiskUsd: priceUsd };
}
