import type { TemporalPort } from '../temporal/temporal-port';

export interface GenerationLinks {
  self: string;
  cancel: string;
  /** Where a person can watch the run; absent when no Temporal UI is configured. */
  temporalUi?: string | undefined;
}

export function generationLinks(
  generation: { generationId: string; workflowId: string },
  temporal: TemporalPort,
): GenerationLinks {
  const self = `/v1/generations/${generation.generationId}`;
  return { self, cancel: `${self}/cancel`, temporalUi: temporal.uiUrl(generation.workflowId) };
}

/** Where an asset's bytes are served; also what requests take as `referenceImageUrl` and the like. */
export function assetUrl(assetId: string): string {
  return `/v1/assets/${assetId}`;
}
