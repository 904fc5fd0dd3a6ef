import {
  createCheckProvider,
  createJoinWatches,
  createRecordHealth,
  createWakeJobs,
  type HealthRecords,
  type ProviderWatches,
} from './watches';
import { createGenerateMedia, type GenerateMediaDependencies } from './generate-media';
import { createReserveSpend, type SpendLedger } from './spend';
import { createSaveGeneration, type AssetRecords, type GenerationProjection } from './save-generation';
import { createSettleJob } from './settle-job';

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
