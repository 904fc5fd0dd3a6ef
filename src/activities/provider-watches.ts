import type { OutageReport } from '../domain/messages';
import type { ProviderName } from '../domain/taxonomy';

/** The providers' watches as activities and workers speak to them. Every call may be repeated. */
export interface ProviderWatches {
  /** Begins the provider's watch, or tells the running one, that calls fail. @throws when Temporal cannot be reached. */
  reportOutage(provider: ProviderName, report: OutageReport): Promise<void>;
  /** Has the provider's watch wake this workflow when the provider is up. @throws when Temporal cannot be reached. */
  park(provider: ProviderName, workflowId: string): Promise<void>;
  /** Wakes a waiting workflow; one that is gone needs no waking. @throws when Temporal cannot be reached. */
  wake(provider: ProviderName, workflowId: string): Promise<void>;
}
