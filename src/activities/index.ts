import { createCheckProvider } from './check-provider';
import { createGenerateMedia, type GenerateMediaDependencies } from './generate-media';
import { createJoinWatches } from './join-watches';
import type { ProviderWatches } from './provider-watches';
import { createRecordHealth, type HealthRecords } from './record-health';
import { createReserveSpend, type SpendLedger } from './reserve-spend';
import { createSaveGeneration, type AssetRecords, type GenerationProjection } from './save-generation';
import { createSettleJob } from './settle-job';
import { createWakeJobs } from './wake-jobs';

export interface CoreActivityDependencies {
  generations: GenerationProjection;
  assets: AssetRecords;
  spend: SpendLedger;
  healthRecords: HealthRecords;
  watches: ProviderWatches;
}

/** Short activities beside the workflows, on their own task queue. */
export function createCoreActivities(dependencies: CoreActivityDependencies) {
  const { generations, assets, spend, healthRecords, watches } = dependencies;
  return {
    saveGeneration: createSaveGeneration(generations, assets),
    reserveSpend: createReserveSpend(spend),
    recordHealth: createRecordHealth(healthRecords),
    wakeJobs: createWakeJobs(watches),
    joinWatches: createJoinWatches(watches),
  };
}
export type CoreActivities = ReturnType<typeof createCoreActivities>;

/** The paid call, the clean-up after it, and the free probe, registered on each provider's task queue. */
export function createProviderActivities(dependencies: GenerateMediaDependencies) {
  return {
    generateMedia: createGenerateMedia(dependencies),
    settleJob: createSettleJob(dependencies),
    checkProvider: createCheckProvider(dependencies.clients),
  };
}
export type ProviderActivities = ReturnType<typeof createProviderActivities>;
