import { z } from 'zod';
import { flows, loraBaseModels } from '../../domain/requests';
import { providerNames } from '../../domain/taxonomy';

/** What answers are made of. Those with an `id` are named in the OpenAPI document. */

export const time = z.string().meta({ format: 'date-time' });
export const usd = z.number().meta({ description: 'USD' });
export const provider = z.enum(providerNames);
export const flow = z.enum(flows);
export const identity = z.enum(['lora', 'reference', 'none']);
export const assetId = z.string().meta({ description: 'SHA-256 of its content, in hex' });
export const nextCursor = z.string().nullable().meta({ description: '`null`: this was the last page' });

export const generationLinks = z
  .strictObject({
    self: z.string(),
    cancel: z.string(),
    temporalUi: z.string().optional().meta({ description: 'Where a person can watch the run' }),
  })
  .meta({ id: 'GenerationLinks' });

export const lineage = z
  .strictObject({ generationId: z.string(), slot: z.int() })
  .meta({ id: 'Lineage', description: 'The picture this one replaces' });

export const usedLora = z
  .strictObject({ id: z.string(), baseModel: z.enum(loraBaseModels), strength: z.number() })
  .meta({
    id: 'UsedLora',
    description: 'The LoRA that keeps the face; `useLora` alone leaves the choice to us',
  });

/** A JSON object as it was sent to a provider. */
export const jsonObject = z.record(z.string(), z.unknown());
