import { ProviderError } from '../errors';

/** The failure of a call that Modal took and whose way to the result we do not follow, or no longer. It runs on. */
export function refused(code: string, message: string, status?: number): ProviderError {
  return new ProviderError(message, {
    ...{ provider: 'modal', failureClass: 'outage', code, certainty: 'accepted', status },
  });
}
