import type { ProviderName } from '../domain/taxonomy';
import { ProviderError } from './errors';

const names: Readonly<Record<ProviderName, string>> = { modal: 'Modal', fal: 'Fal', comfyui: 'the pod' };

/**
 * For providers without an idempotency key or a look-up by our own id: a submit that may have arrived is never sent
 * again by a client, and this call sends nothing at all.
 */
export function outcomeUnknown(provider: ProviderName): ProviderError {
  const message = `an earlier attempt may have been accepted by ${names[provider]}; its outcome is unknown`;
  return new ProviderError(message, {
    provider,
    code: 'outcome_unknown',
    outcome: 'nobody_knows',
  });
}

/**
 * The job an earlier call left behind is at another address than the one that is configured now, so our credentials must
 * not go there. The job itself is open: it is somebody's mistake, which can be mended, and no reason to pay again.
 */
export function jobElsewhere(provider: ProviderName, providerRequestId?: string): ProviderError {
  const message = `an accepted job is at another address of ${names[provider]} than the one configured now`;
  return new ProviderError(message, {
    provider,
    code: 'job_elsewhere',
    outcome: 'still_there',
    providerRequestId,
  });
}
