import { z } from 'zod';
import { generationStatuses, slotDecisions, slotStatuses } from '../../domain/generation';
import { dispatchCertainties, failureClasses } from '../../domain/taxonomy';
import {
  assetId,
  flow,
  generationLinks,
  identity,
  lineage,
  nextCursor,
  provider,
  time,
  usd,
  usedLora,
} from './parts';

const storedError = { code: z.string(), message: z.string(), provider: provider.optional() };

const attempt = z
  .strictObject({
    number: z.int(),
    provider,
    endpoint: z.string(),
    jobKey: z.string().optional(),
    outcome: z.enum(['succeeded', 'failed', 'cancelled']),
    startedAt: time,
    seconds: z.number(),
    costUsd: usd.optional(),
    costEstimated: z.boolean().optional(),
    billing: z
      .strictObject({ units: z.number(), unitPriceUsd: usd, source: z.string(), asOf: z.string() })
      .optional(),
    atRiskUsd: usd.optional(),
    errorClass: z.enum(failureClasses).optional(),
    errorCode: z.string().optional().meta({ description: 'One of the closed set in docs/failures.md' }),
    message: z.string().optional(),
    certainty: z.enum(dispatchCertainties),
    providerRequestId: z.string().optional(),
    repeats: z.int().optional(),
    lastRepeatAt: time.optional(),
  })
  .meta({ id: 'Attempt', description: 'One try at one provider' });

const runningCall = z
  .strictObject({
    attempt: z.int(),
    since: time.nullable(),
    lastError: z.string().nullable(),
    progress: z
      .strictObject({
        phase: z.enum(['uploading', 'queued', 'running', 'downloading']),
        queuePosition: z.number().optional(),
        fraction: z.number().optional(),
        silentSince: time.optional(),
      })
      .nullable(),
  })
  .meta({ id: 'RunningCall' });

const picture = {
  mediaType: z.string(),
  width: z.int().nullable(),
  height: z.int().nullable(),
};

const slot = z
  .strictObject({
    slot: z.int().meta({ description: 'From 1 on' }),
    label: z.string(),
    status: z.enum(slotStatuses),
    provider: provider.nullable(),
    endpoint: z.string().nullable(),
    racing: z
      .strictObject({ provider, endpoint: z.string(), since: time })
      .nullable()
      .meta({ description: 'With `hedge`: the provider that is asked beside a slow one' }),
    identity,
    seed: z.int(),
    attempts: z.array(attempt),
    costUsd: usd,
    costEstimated: z.boolean(),
    atRiskUsd: usd,
    reused: z.boolean().meta({ description: 'A stored picture of the same recipe, at no cost' }),
    assetId: assetId.nullable(),
    assetUrl: z.string().nullable(),
    ...picture,
    mediaType: picture.mediaType.nullable(),
    error: z
      .strictObject({
        ...storedError,
        refused: z
          .enum(['input', 'output'])
          .nullable()
          .meta({ description: 'What was sent, or what was made of it. `null`: nothing was refused' }),
      })
      .nullable(),
    decision: z
      .strictObject({
        provider,
        endpoint: z.string(),
        since: time,
        atRiskUsd: usd,
        answer: z.enum(slotDecisions).optional(),
      })
      .nullable()
      .meta({ description: 'While it is `needs_decision`: what is at stake' }),
    running: runningCall.nullable(),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    waiting: z
      .strictObject({
        reason: z.string(),
        since: time,
        nextTryAt: time,
        round: z.int(),
        watched: z.array(provider),
        nextProbeAt: time.nullable(),
        deadlineAt: time.nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'Slot', description: 'One picture or clip' });

const notice = z
  .strictObject({
    code: z.enum(['reset', 'history_lost', 'unread']),
    message: z.string(),
    at: time,
    atRiskUsd: usd,
    jobs: z.array(
      z.strictObject({
        slot: z.int(),
        provider,
        endpoint: z.string(),
        startedAt: time,
        jobKey: z.string().optional(),
        providerRequestId: z.string().optional(),
        usd,
      }),
    ),
  })
  .meta({ id: 'Notice', description: 'What happened to the workflow from outside, and what that may cost' });

const figures = {
  id: z.string(),
  flow,
  characterId: z.string(),
  nsfw: z.boolean(),
  status: z.enum(generationStatuses),
  costUsd: usd,
  costEstimated: z.boolean(),
  atRiskUsd: usd.meta({ description: 'Perhaps paid on top, with nothing to show for it' }),
  error: z.strictObject(storedError).nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  links: generationLinks,
};

/** What `GET /v1/generations/{id}` answers. */
export const generationAnswer = z
  .strictObject({
    ...figures,
    live: z
      .boolean()
      .meta({ description: '`false`: no worker answered, this is the last state that was stored' }),
    notices: z.array(notice),
    caller: z.string(),
    engines: z.array(z.string()).meta({ description: 'Endpoints that made the finished pictures' }),
    coherent: z.boolean().meta({ description: '`false`: the set mixes engines' }),
    lora: usedLora.nullable(),
    lineage: lineage.nullable(),
    extras: z
      .array(
        z.strictObject({
          slot: z.int(),
          provider,
          endpoint: z.string(),
          seed: z.int(),
          costUsd: usd,
          at: time,
          assetId,
          assetUrl: z.string(),
          ...picture,
        }),
      )
      .meta({ description: 'Paid pictures that came late, beside those the slots kept' }),
    unsettledJobs: z.int().meta({ description: 'Provider jobs of which nobody knows yet what they cost' }),
    deadlineAt: time.nullable(),
    slots: z.array(slot),
  })
  .meta({ id: 'Generation' });
export type GenerationAnswer = z.input<typeof generationAnswer>;

const summary = z
  .strictObject({
    ...figures,
    slots: z.partialRecord(z.enum(slotStatuses), z.int()).meta({ description: 'How many slots stand where' }),
  })
  .meta({ id: 'GenerationSummary' });
export type GenerationSummaryAnswer = z.input<typeof summary>;

export const generationPage = z
  .strictObject({ items: z.array(summary), nextCursor })
  .meta({ id: 'GenerationPage' });

export const startedAnswer = z
  .strictObject({ id: z.string(), status: z.enum(generationStatuses), links: generationLinks })
  .meta({ id: 'StartedGeneration' });

export const cancellationAnswer = z
  .strictObject({ id: z.string(), status: z.enum(['cancelling', 'cancelled']), links: generationLinks })
  .meta({ id: 'Cancellation' });

export const retryAnswer = z
  .strictObject({
    id: z.string(),
    slots: z.array(z.int()).meta({ description: 'Those that try again' }),
    links: generationLinks,
  })
  .meta({ id: 'RetriedSlots' });

export const decisionAnswer = z
  .strictObject({ id: z.string(), slot: z.int(), decision: z.enum(slotDecisions), links: generationLinks })
  .meta({ id: 'Decision' });
