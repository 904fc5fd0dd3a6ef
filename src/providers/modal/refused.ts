import type { FailureCode } from '../../domain/failures';
import { ProviderError } from '../errors';

/** The failure of a call that Modal took and whose way to the result we do not follow, or no longer. It runs on. */
export function refused(code: FailureCode, message: string, status?: number): ProviderError {
  return new ProviderError(message, {
    ...{ provider: 'modal', code, outcome: 'still_there', status },
  });
}
