import { z } from 'zod';
import { loraStatuses } from '../../db';
import { scopes } from '../../domain/access';
import { providerStates } from '../../domain/provider-health';
import { coherences, loraBaseModels, studioModes, unknownOutcomes } from '../../domain/requests';
import { modelCapabilities } from '../../registry';
import { assetId, identity, jsonObject, lineage, nextCursor, provider, time, usd, usedLora } from './parts';

export const characterAnswer = z
  .strictObject({
    id: z.string(),
    name: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
    links: z.strictObject({ self: z.string(), loras: z.string() }),
  })
  .meta({ id: 'Character' });
export const characterPage = z
  .strictObject({ items: z.array(characterAnswer), nextCursor })
  .meta({ id: 'CharacterPage' });

export const loraAnswer = z
  .strictObject({
    id: z.string(),
    characterId: z.string(),
    baseModel: z.enum(loraBaseModels),
    triggerWord: z.string(),
    status: z.enum(loraStatuses),
    defaultStrength: z.number(),
    isDefault: z.boolean(),
    createdAt: time,
    updatedAt: time,
    links: z.strictObject({ self: z.string() }),
  })
  .meta({ id: 'Lora' });
export const loraList = z.strictObject({ items: z.array(loraAnswer) }).meta({ id: 'LoraList' });

export const modelList = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          id: z.string(),
          provider,
          backendId: z.string(),
          uiModel: z.string(),
          app: z.string().optional(),
          capabilities: z.array(z.enum(modelCapabilities)),
          inputType: z.enum(['text', 'text+image', 'image', 'text+image+mask']),
          supportsNSFW: z.boolean(),
          supportsLoRA: z.boolean(),
          loraBaseModel: z.enum(loraBaseModels).optional(),
          studioModes: z.array(z.enum(studioModes)),
          inputs: z.array(z.enum(['reference', 'source', 'mask'])),
          mediaKind: z.enum(['image', 'video']),
          mediaType: z.string(),
          price: z.strictObject({
            usd,
            per: z.enum(['image', 'megapixel']),
            asOf: z.string(),
            source: z.string(),
          }),
          typicalSeconds: z.number(),
          eligible: z.boolean(),
          reason: z.string(),
        })
        .meta({ id: 'Model' }),
    ),
  })
  .meta({ id: 'ModelList' });

export const routePlanAnswer = z
  .strictObject({
    slots: z.array(
      z.strictObject({
        slot: z.int(),
        label: z.string(),
        candidates: z.array(
          z
            .strictObject({
              modelId: z.string(),
              provider,
              endpoint: z.string(),
              eligible: z.boolean(),
              reason: z.string(),
              identity,
              priceUsd: usd,
              typicalSeconds: z.number(),
            })
            .meta({ id: 'RouteCandidate' }),
        ),
        estimate: z.strictObject({ expectedUsd: usd, worstUsd: usd }),
      }),
    ),
    estimate: z.strictObject({
      expectedUsd: usd,
      worstUsd: usd,
      maxPaidAttemptsPerSlot: z.int(),
      maxCostUsd: usd.nullable(),
      note: z.string(),
    }),
    rules: z.strictObject({
      unknownOutcome: z.enum(unknownOutcomes),
      maxCostUsd: usd.optional(),
      minSuccess: z.int(),
      coherence: z.enum(coherences),
      distinct: z.boolean(),
      maxRefills: z.int(),
      hedge: z.boolean(),
    }),
    lora: usedLora.nullable(),
    deadlineSeconds: z.int(),
  })
  .meta({ id: 'RoutePlan' });

export const assetAnswer = z
  .strictObject({
    id: assetId,
    url: z.string(),
    mediaType: z.string(),
    bytes: z.int(),
    width: z.int().optional(),
    height: z.int().optional(),
    frames: z.int().optional().meta({ description: 'Of an animation' }),
    perceptualHash: z.string().optional().meta({ description: '64 bits, of a still' }),
  })
  .meta({ id: 'Asset' });

export const assetLinksAnswer = z
  .strictObject({
    id: assetId,
    url: z.string(),
    thumbnails: z
      .strictObject({ 160: z.string(), 320: z.string(), 640: z.string() })
      .nullable()
      .meta({ description: 'By pixels of the longer side. `null`: an MP4 has none' }),
    expiresAt: time,
  })
  .meta({ id: 'AssetLinks' });

export const recipesAnswer = z
  .strictObject({
    assetId,
    recipes: z.array(
      z.strictObject({
        generationId: z.string(),
        slot: z.int(),
        modelId: z.string(),
        provider,
        endpoint: z.string(),
        seed: z.int(),
        parameters: jsonObject,
        inputs: z.array(z.strictObject({ field: z.string(), assetId })),
        costUsd: usd,
        costEstimated: z.boolean(),
        providerRequestId: z.string().nullable(),
        lineage: lineage.optional(),
      }),
    ),
  })
  .meta({ id: 'Recipes' });

export const spendAnswer = z
  .strictObject({
    caller: z.string(),
    limitUsd: usd.nullable(),
    usedUsd: usd,
    remainingUsd: usd.nullable(),
    costUsd: usd,
    atRiskUsd: usd,
    reservedUsd: usd,
    resetsAt: time,
  })
  .meta({ id: 'Spend' });

export const providerList = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          provider,
          enabled: z.boolean(),
          disabledReason: z.string().nullable(),
          state: z.enum(providerStates),
          since: time.nullable(),
          reason: z.string().nullable(),
          nextProbeAt: time.nullable(),
          busyUntil: time.nullable(),
          parkedJobs: z.int(),
          plainApps: z.array(z.string()),
          unknownApps: z.array(z.string()),
        })
        .meta({ id: 'Provider' }),
    ),
  })
  .meta({ id: 'ProviderList' });

const apiKey = {
  id: z.string(),
  caller: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
  revokedAt: time.nullable(),
};
export const newApiKeyAnswer = z
  .strictObject({ ...apiKey, key: z.string().meta({ description: 'Shown only here' }) })
  .meta({ id: 'NewApiKey' });
export const apiKeyPage = z
  .strictObject({ items: z.array(z.strictObject(apiKey).meta({ id: 'ApiKey' })), nextCursor })
  .meta({ id: 'ApiKeyPage' });

export const auditPage = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          id: z.int(),
          at: time,
          caller: z.string().nullable(),
          keyId: z.string().nullable(),
          action: z.string(),
          subject: z.string(),
          code: z.string().nullable(),
          requestId: z.string().nullable(),
        })
        .meta({ id: 'AuditEntry' }),
    ),
    nextCursor,
  })
  .meta({ id: 'AuditPage' });

export const healthAnswer = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' });
const check = z.union([
  z.strictObject({ ok: z.literal(true) }),
  z.strictObject({ ok: z.literal(false), detail: z.string() }),
]);
export const readinessAnswer = z
  .strictObject({ status: z.literal('ready'), checks: z.record(z.string(), check) })
  .meta({ id: 'Readiness' });
