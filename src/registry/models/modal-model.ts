import { roundUsd } from '../../domain/round-usd';
import type { ModelDefinition, Price } from '../types';
import { modalImagePolicy, modalVideoPolicy } from '../policies';

/** Rate of the L40S in the deployed handlers, USD per second: what the bill is made of. */
const l40sUsdPerSecond = 0.000542;

type Shared =
  'provider' | 'supportsNSFW' | 'supportsLoRA' | 'app' | 'mediaType' | 'price' | 'policy' | 'inputs';

interface ModalSpec extends Omit<ModelDefinition, Shared> {
  app: string;
  inputs?: ModelDefinition['inputs'];
  mediaType?: ModelDefinition['mediaType'];
  /** The published benchmark has a figure for this endpoint; the seconds of the others are estimated. */
  measured?: boolean;
}

/**
 * A model on Modal. All of them are our own deployments of open models without a server-side filter, hence NSFW is a
 * property of the provider; see docs/decisions/0002-nsfw-routing.md.
 */
export function modalModel({ measured = false, ...spec }: ModalSpec): ModelDefinition {
  return {
    inputs: {},
    mediaType: 'image/jpeg',
    ...spec,
    provider: 'modal',
    supportsNSFW: true,
    supportsLoRA: spec.loraBaseModel !== undefined,
    price: priceOf(spec.typicalSeconds, measured),
    policy: spec.mediaKind === 'video' ? modalVideoPolicy : modalImagePolicy,
  };
}

/**
 * GPU seconds x rate, as `X-Cost-USD` counts; the benchmark prints the same product rounded to a tenth of a cent. Nothing
 * published says how a clip's seconds grow with its frames, so a clip has one price.
 */
function priceOf(seconds: number, measured: boolean): Price {
  const origin = measured ? 'published benchmark of the Modal deployment' : 'estimate, no benchmark';
  return {
    usd: roundUsd(seconds * l40sUsdPerSecond),
    per: 'image',
    asOf: '2026-02-05',
    source: `${origin}: ${seconds} s of an L40S at ${l40sUsdPerSecond} USD a second`,
  };
}
