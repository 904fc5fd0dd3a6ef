export { appsOf } from './apps-of';
export { estimatePriceUsd } from './estimate-price';
export { expectedSizeOf, leastUpscaledSize } from './expected-size';
export { findModel } from './find-model';
export { listModels, type ListedModel, type ModelFilter } from './list-models';
export { loraBasesFor } from './lora-bases';
export { models } from './models';
export { planCost, type Cost, type PlanCost } from './plan-cost';
export { planGeneration, type PlanOptions } from './plan-generation';
export { planRoute } from './plan-route';
export { passingRefusals, refusalCodes, type RefusalCode } from './refusal-codes';
export { RequestRefused, type RefusalIssue } from './refusal';
export type { RoutePreference, RouteRequest } from './routing/route-request';
export {
  selectStudioEndpoint,
  selectStudioProvider,
  type StudioSelectionInput,
} from './routing/studio-selection';
export { suggestsMinor } from './safety/suggests-minor';
export { modelCapabilities } from './types';
export type {
  InputType,
  ModelCapability,
  ModelDefinition,
  Price,
  RoutingContext,
  SlotSettings,
} from './types';
