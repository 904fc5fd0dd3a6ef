export type { Acceptance, AcceptOrder } from './accept-generation';
export {
  createApiKeyStore,
  type ApiKey,
  type ApiKeyStore,
  type KeyChange,
  type NewApiKey,
} from './api-key-store';
export { createAssetRecords, type AssetRecord, type AssetRecords } from './asset-records';
export { createAuditLog, type AuditEntry, type AuditLog, type AuditRecord } from './audit-log';
export { createCallLatencyStore, type CallLatencyStore } from './call-latencies';
export { createCharacterStore, type Character, type CharacterStore } from './character-store';
export { createDatabase, type Database, type DatabaseOptions } from './database';
export type { DailySpend } from './daily-spend';
export { isDatabaseUnavailable } from './database-unavailable';
export type { GenerationRecord, GenerationRef } from './find-generation';
export type { SlotRecord } from './generation-rows';
export {
  createGenerationStore,
  type AskEarlierRuns,
  type GenerationStore,
  type OpenGeneration,
  type UnfinishedEnd,
} from './generation-store';
export type { IdempotencyKey, RepeatedStart, UnplannedInput } from './idempotency-keys';
export { listedStatuses } from './list-generations';
export type { GenerationPage, GenerationPosition, GenerationSummary } from './list-generations';
export {
  createLoraStore,
  type CharacterRef,
  type Lora,
  type LoraSettings,
  type LoraStore,
} from './lora-store';
export { migrate } from './migrate';
export { createProviderAppStore, type ProviderAppStore } from './provider-app-store';
export {
  createProviderCallbackStore,
  type ProviderCallback,
  type ProviderCallbackStore,
} from './provider-callbacks';
export { createProviderHealthStore, type ProviderHealthStore } from './provider-health-store';
export { createSpendStore, type SpendStore } from './spend-store';
export { loraStatuses, type LoraStatus, type StoredError } from './schema';
