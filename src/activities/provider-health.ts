import type { ProviderError } from '../providers/errors';
import type { ProviderName } from '../domain/taxonomy';

/** What this process knows of the providers' health, and learns from its calls. */
export interface ProviderHealthPort {
  /** ISO 8601: since when the provider is known to be down; `undefined` while it is not. */
  downSince(provider: ProviderName): string | undefined;
  succeeded(provider: ProviderName): void;
  failed(provider: ProviderName, error: ProviderError): void;
}
