import type { ProviderError } from '../../providers/errors';

const gatewayStatuses: readonly number[] = [502, 503, 504];

/**
 * Whether a failure speaks of the provider as a whole: no connection, no answer, a gateway's error. A refusal, a full
 * queue, a broken picture or a run that failed never does.
 */
export function isProviderOut({ failure, code, certainty, status }: ProviderError): boolean {
  const { outage, answeredBy } = failure;
  if (failure.class !== 'outage' && failure.class !== 'transient') return false;
  if (answeredBy === 'us' || outage === 'endpoint') return false;
  // A refused key or a full queue at the health route says no more than at any other.
  if (code === 'provider_unwell' && status !== undefined) return status >= 500;
  // After the provider took the job, only these say that it is out of reach.
  if (certainty === 'accepted')
    return outage === 'way' || (status !== undefined && gatewayStatuses.includes(status));
  return outage !== 'none' || (status !== undefined && (status >= 500 || status === 408));
}

/**
 * Whether a failure, alone as it is, is reason enough to ask the provider: whoever took the connection answered nothing at
 * all. Calls that are lost so come slowly, one after another.
 */
export function isSilence({ failure, code, certainty }: ProviderError): boolean {
  if (code === 'pod_silent' || code === 'no_answer') return true;
  return failure.outage === 'provider' && failure.answeredBy === 'nobody' && certainty !== 'accepted';
}
