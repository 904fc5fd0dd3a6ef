import type { ParkedCount, ProviderHealthRecord } from '../domain/provider-health';

/** Where every worker and API reads which providers are down. */
export interface HealthRecords {
  /** Idempotent; keeps the newest state. */
  record(health: ProviderHealthRecord): Promise<void>;
  /** Changes the number alone, of a provider of which there is a state. Idempotent. */
  recordParked(count: ParkedCount): Promise<void>;
}

/** Writes what a provider's watch found to the database. Safe to repeat. */
export function createRecordHealth(records: HealthRecords) {
  return async function recordHealth(found: ProviderHealthRecord | ParkedCount): Promise<void> {
    if (found.state === undefined) await records.recordParked(found);
    else await records.record(found);
  };
}
