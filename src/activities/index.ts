import type { RoutingContext } from '../registry/types';
import { createGenerateMedia, type GenerateMediaDependencies } from './generate-media';
import { createPlanRoutes } from './plan-routes';
import { createSaveGeneration, type AssetRecords, type GenerationProjection } from './save-generation';

export interface CoreActivityDependencies {
  routing: RoutingContext;
  generations: GenerationProjection;
  assets: AssetRecords;
}

/** Short activities beside the workflows, on their own task queue. */
export function createCoreActivities({ routing, generations, assets }: CoreActivityDependencies) {
  return {
    planRoutes: createPlanRoutes(routing),
    saveGeneration: createSaveGeneration(generations, assets),
  };
}
export type CoreActivities = ReturnType<typeof createCoreActivities>;

/** The paid call, registered on each provider's task queue. */
export function createProviderActivities(dependencies: GenerateMediaDependencies) {
  return { generateMedia: createGenerateMedia(dependencies) };
}
export type ProviderActivities = ReturnType<typeof createProviderActivities>;
