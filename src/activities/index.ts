import type { RoutingContext } from '../registry/types';
import { createGenerateMedia, type GenerateMediaDependencies } from './generate-media';
import { createPlanRoutes } from './plan-routes';
import { createReserveSpend, type SpendLedger } from './reserve-spend';
import { createFindReusable, type MadePictures, type StoredBytes } from './reusable-pictures';
import { createSaveGeneration, type AssetRecords, type GenerationProjection } from './save-generation';

export interface CoreActivityDependencies {
  routing: RoutingContext;
  generations: GenerationProjection;
  assets: AssetRecords & MadePictures;
  assetBytes: StoredBytes;
  spend: SpendLedger;
}

/** Short activities beside the workflows, on their own task queue. */
export function createCoreActivities({
  routing,
  generations,
  assets,
  ...dependencies
}: CoreActivityDependencies) {
  const { assetBytes, spend } = dependencies;
  return {
    planRoutes: createPlanRoutes(routing, createFindReusable(assets, assetBytes)),
    saveGeneration: createSaveGeneration(generations, assets),
    reserveSpend: createReserveSpend(spend),
  };
}
export type CoreActivities = ReturnType<typeof createCoreActivities>;

/** The paid call, registered on each provider's task queue. */
export function createProviderActivities(dependencies: GenerateMediaDependencies) {
  return { generateMedia: createGenerateMedia(dependencies) };
}
export type ProviderActivities = ReturnType<typeof createProviderActivities>;
