import type { ModelDefinition, Price } from '../types';
import { modalImagePolicy, modalVideoPolicy } from '../policies';

/** L40S rate in the deployed handlers, USD per second. */
const l40sUsdPerSecond = 0.000542;

type Shared =
  'provider' | 'supportsNSFW' | 'supportsLoRA' | 'app' | 'mediaType' | 'price' | 'policy' | 'inputs';

interface ModalSpec extends Omit<ModelDefinition, Shared> {
  app: string;
  inputs?: ModelDefinition['inputs'];
  mediaType?: ModelDefinition['mediaType'];
  /** USD of one call in the published benchmark; left out where the endpoint was never measured. */
  benchmarkUsd?: number;
}

/**
 * A model on Modal. All of them are our own deployments of open models without a server-side filter, hence NSFW is a
 * property of the provider; see docs/decisions/0002-nsfw-routing.md.
 */
export function modalModel({ benchmarkUsd, ...spec }: ModalSpec): ModelDefinition {
  return {
    inputs: {},
    mediaType: 'image/jpeg',
    ...spec,
    provider: 'modal',
    supportsNSFW: true,
    supportsLoRA: spec.loraBaseModel !== undefined,
    price: benchmarkUsd === undefined ? estimatedPrice(spec.typicalSeconds) : benchmarkPrice(benchmarkUsd),
    policy: spec.mediaKind === 'video' ? modalVideoPolicy : modalImagePolicy,
  };
}

function benchmarkPrice(usd: number): Price {
  return { usd, per: 'image', asOf: '2026-02-05', source: 'published benchmark of the Modal deployment' };
}

function estimatedPrice(seconds: number): Price {
  return {
    usd: Math.round(seconds * l40sUsdPerSecond * 1e6) / 1e6,
    per: 'image',
    asOf: '2026-02-05',
    source: `estimate: no benchmark; ${seconds} s of an L40S at ${l40sUsdPerSecond} USD a second`,
  };
}
