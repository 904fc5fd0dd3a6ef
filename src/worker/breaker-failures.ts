import { podSilentCode, providerSilentCode, providerUnwellCode, unreachableCodes } from '../domain/taxonomy';
import type { ProviderError } from '../providers/errors';

/** Failures that say something else than "this provider does not answer". */
const aboutSomethingElse: readonly string[] = [
  // Ours.
  'internal_error',
  'provider_down',
  'outcome_unknown',
  // An app that may be starting.
  providerSilentCode,
  // One endpoint of many.
  'nodes_not_loaded',
  'models_missing',
];

const gatewayStatuses: readonly number[] = [502, 503, 504];

/**
 * Whether a failure speaks of the provider as a whole: no connection, no answer, a gateway's error. A refusal, a full
 * queue, a broken picture or a run that failed never does.
 */
export function isProviderOut({ failureClass, code, certainty, status }: ProviderError): boolean {
  if (failureClass !== 'outage' && failureClass !== 'transient') return false;
  if (aboutSomethingElse.includes(code)) return false;
  // A refused key or a full queue at the health route says no more than at any other.
  if (code === providerUnwellCode && status !== undefined) return status >= 500;
  // After the provider took the job, only these say that it is out of reach.
  if (certainty === 'accepted') {
    return unreachableCodes.includes(code) || (status !== undefined && gatewayStatuses.includes(status));
  }
  return failureClass === 'outage' || status === undefined || status >= 500 || status === 408;
}

/**
 * Whether a failure, alone as it is, is reason enough to ask the provider: whoever took the connection answered nothing at
 * all. Calls that are lost so come slowly, one after another.
 */
export function isSilence({ code, certainty }: ProviderError): boolean {
  return code === podSilentCode || (code === 'deadline_exceeded' && certainty !== 'accepted');
}
