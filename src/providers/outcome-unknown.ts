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
    failureClass: 'transient',
    code: 'outcome_unknown',
    certainty: 'unknown',
  });
}
