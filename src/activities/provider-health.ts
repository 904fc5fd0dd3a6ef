import type { ProviderName } from '../domain/taxonomy';
import type { ProviderError } from '../providers/errors';

/** What this worker knows of the providers, and whom it tells how its calls went. Never waits, never throws. */
export interface ProviderHealthPort {
  /** Since when the provider is known to be down (ISO 8601); `undefined`: call it. */
  downSince(provider: ProviderName): string | undefined;
  /** A call ended well. */
  succeeded(provider: ProviderName): void;
  /** A call failed; enough of them in a row, of the kind that speaks of the provider, and its watch begins. */
  failed(provider: ProviderName, error: ProviderError): void;
}
