import type { ProviderHealthRecord } from '../domain/provider-health';

/** Where every worker and API reads which providers are down. */
export interface HealthRecords {
  /** Idempotent; keeps the newest state. */
  record(health: ProviderHealthRecord): Promise<void>;
}

/** Writes what a provider's watch found to the database. Safe to repeat. */
export function createRecordHealth(records: HealthRecords) {
  return async function recordHealth(health: ProviderHealthRecord): Promise<void> {
    await records.record(health);
  };
}
