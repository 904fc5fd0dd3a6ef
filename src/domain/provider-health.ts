import type { ProviderName } from './taxonomy';

export const providerStates = ['up', 'down'] as const;
/** `down`: calls fail at once without being sent, until a probe of the provider's watch succeeds. */
export type ProviderState = (typeof providerStates)[number];

/** A provider asked not to be called for a while (429 or 503 with `Retry-After`). */
export interface ProviderPause {
  provider: ProviderName;
  /** ISO 8601. */
  until: string;
}

/** What an app of a provider that has several last said of itself. */
export interface ProviderApp {
  provider: ProviderName;
  app: string;
  /** Its jobs get a name before they are paid. `false`: plain calls, of which a lost one cannot be found. */
  namedJobs: boolean;
}

/** What a provider's watch last found. Times are ISO 8601. A provider without a record counts as up. */
export interface ProviderHealthRecord {
  provider: ProviderName;
  state: ProviderState;
  /** When this state began. */
  since: string;
  /** Why it counts as down. */
  reason?: string | undefined;
  /** While down. */
  nextProbeAt?: string | undefined;
  /** Jobs the watch will wake. */
  parkedJobs?: number | undefined;
}

/** Jobs the watch of a provider will wake, while nobody can say yet whether it is up. */
export interface ParkedCount {
  provider: ProviderName;
  parkedJobs: number;
  state?: undefined;
}
