import { z } from 'zod';
import type { ModelDefinition, Price } from '../types';
import { falImagePolicy } from '../policies';

type Shared =
  | 'provider'
  | 'supportsNSFW'
  | 'supportsLoRA'
  | 'loraBaseModel'
  | 'app'
  | 'mediaKind'
  | 'price'
  | 'policy'
  | 'inputs';

interface FalSpec extends Omit<ModelDefinition, Shared> {
  inputs?: ModelDefinition['inputs'];
  usd: number;
  per: Price['per'];
  /** The list had an estimate only. */
  estimated?: boolean;
}

/** A model on Fal: never for NSFW, and none of the listed endpoints takes a custom LoRA. */
export function falModel({ usd, per, estimated = false, ...spec }: FalSpec): ModelDefinition {
  const source = estimated ? 'Fal price list, estimated entry' : 'Fal price list';
  return {
    inputs: {},
    ...spec,
    provider: 'fal',
    supportsNSFW: false,
    supportsLoRA: false,
    mediaKind: 'image',
    price: { usd, per, asOf: '2025-01-01', source },
    policy: falImagePolicy,
  };
}

/**
 * Fields most Fal endpoints share. The safety checker is not negotiable, and a result in `sync_mode` would be a data
 * URL inside JSON, held whole in memory.
 */
export const falStandardFields = {
  sync_mode: z.literal(false).default(false),
  enable_safety_checker: z.literal(true).default(true),
};

/** One picture a job: every slot is paid, retried and shown for itself. */
export const falOneImage = z.literal(1).default(1);
