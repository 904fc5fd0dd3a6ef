import { z } from 'zod';
import type { FastifyRequest } from 'fastify';
import { listedStatuses, type GenerationRef, type GenerationSummary } from '../../db';
import { characterIdSchema, flows } from '../../domain/requests';
import { cancelGeneration } from '../generations/cancel-generation';
import { callerOf } from '../access/principal';
import { cancellationAnswer, generationAnswer, generationPage, retryAnswer } from '../answers/generation';
import type { ApiContext, ApiServer } from '../context';
import { cursorOf, encodeCursor, pageLimit } from '../http/cursor';
import { generationIdSchema, knownForm } from '../generations/generation-id';
import { generationView } from '../generations/generation-view';
import { generationLinks } from '../http/links';
import { generationNotFound } from '../http/not-found';
import { readGeneration } from '../generations/read-generation';
import { retryNow } from '../generations/retry-now';
import { roundUsd } from '../../domain/round-usd';
import type { TemporalPort } from '../temporal/temporal-port';

const params = z.object({ id: z.string() });
const querystring = z.strictObject({
  characterId: characterIdSchema.optional(),
  flow: z.enum(flows).optional(),
  status: z
    .enum(listedStatuses)
    .optional()
    .meta({ description: '`waiting`, `needs_decision`: running, with at least one slot in that state' }),
  createdFrom: z.iso.datetime({ offset: true }).optional(),
  createdBefore: z.iso.datetime({ offset: true }).optional(),
  limit: pageLimit,
  cursor: cursorOf(z.tuple([z.iso.datetime(), generationIdSchema])).optional(),
});

/** Nothing, or an object without fields. */
const noBody = z.strictObject({}).nullish();

/** `GET /v1/generations`, `GET /v1/generations/{id}`, `POST .../cancel` and `POST .../retry-now`. */
export function addGenerationRoutes(app: ApiServer, context: ApiContext): void {
  const { assetRecords, generations, providerHealth, temporal } = context;
  const config = { access: 'read' } as const;

  app.get(
    '/v1/generations/:id',
    { config, schema: { params, response: { 200: generationAnswer } } },
    async (request) => {
      const own = ownOf(request);
      const reading = await readGeneration(context, own);
      if (reading === undefined) throw generationNotFound();
      // Whoever is shown a picture may fetch it at once.
      await assetRecords.own(own.caller, reading.unnotedAssets);
      const isWaiting = reading.record.slots.some(({ waiting }) => waiting !== undefined);
      const health = isWaiting ? await providerHealth.list() : [];
      return generationView(reading.record, temporal, { ...reading, health });
    },
  );

  app.get(
    '/v1/generations',
    { config, schema: { querystring, response: { 200: generationPage } } },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const caller = callerOf(request);
      const after = cursor && { createdAt: cursor[0], generationId: cursor[1] };
      const page = await generations.list({ caller, ...filter, limit: limit + 1, after });
      const items = page.slice(0, limit);
      const last = items.at(-1);
      const hasMore = page.length > limit && last !== undefined;
      return {
        items: items.map((item) => summaryView(item, temporal)),
        nextCursor: hasMore ? encodeCursor([last.createdAt, last.generationId]) : null,
      };
    },
  );

  const schema = { params, body: noBody };
  const cancellation = { ...schema, response: { 200: cancellationAnswer, 202: cancellationAnswer } };
  const retry = { ...schema, response: { 200: retryAnswer } };
  const cancelling = { access: 'start', audit: 'generation.cancel', effect: 'same' } as const;
  app.post(
    '/v1/generations/:id/cancel',
    { config: cancelling, schema: cancellation },
    async (request, reply) => {
      const { record, status } = await cancelGeneration(context, ownOf(request));
      const links = generationLinks(record, temporal);
      return reply.code(status === 'cancelling' ? 202 : 200).send({ id: record.generationId, status, links });
    },
  );

  app.post(
    '/v1/generations/:id/retry-now',
    { config: { access: 'start', effect: 'same' }, schema: retry },
    async (request) => {
      const { record, slots } = await retryNow(context, ownOf(request));
      return { id: record.generationId, slots, links: generationLinks(record, temporal) };
    },
  );
}

/** The generation a path names, as far as it is the caller's. @throws HttpProblem 404 for what was never an id of ours */
function ownOf(request: Pick<FastifyRequest, 'principal'> & { params: { id: string } }): GenerationRef {
  return { caller: callerOf(request), id: knownForm(request.params.id) };
}

/** As last stored; a list asks no workflow. */
function summaryView(summary: GenerationSummary, temporal: TemporalPort) {
  return {
    id: summary.generationId,
    flow: summary.flow,
    characterId: summary.characterId,
    nsfw: summary.nsfw,
    status: summary.status,
    costUsd: roundUsd(summary.costUsd),
    costEstimated: summary.costEstimated,
    atRiskUsd: roundUsd(summary.atRiskUsd),
    error: summary.error ?? null,
    /** How many slots stand where. */
    slots: summary.slots,
    createdAt: summary.createdAt,
    startedAt: summary.startedAt ?? null,
    finishedAt: summary.finishedAt ?? null,
    links: generationLinks(summary, temporal),
  };
}
