import type { ProviderName } from '../domain/taxonomy';
import type { ProviderError } from '../providers/errors';

/** What this worker knows of the providers, and whom it tells how its calls went. Never waits, never throws. */
export interface ProviderHealthPort {
  /** Since when the provider is known to be down (ISO 8601); `undefined`: call it. */
  downSince(provider: ProviderName): string | undefined;
  /** Milliseconds for which the provider asked not to be called, whichever job it told; 0: call it. */
  busyMs(provider: ProviderName): number;
  /** A call ended well. */
  succeeded(provider: ProviderName): void;
  /**
   * A call failed; enough of them in a row, of the kind that speaks of the provider, and its watch begins. Where all of them
   * went to one `app` of several, the watch asks the provider first.
   */
  failed(provider: ProviderName, error: ProviderError, app?: string): void;
}
