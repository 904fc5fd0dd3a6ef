import { z } from 'zod';
import type { GenerationSummary } from '../../db';
import { characterIdSchema } from '../../domain/requests';
import { cancelGeneration } from '../generations/cancel-generation';
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
  limit: pageLimit,
  cursor: cursorOf(z.tuple([z.iso.datetime(), generationIdSchema])).optional(),
});

/** Nothing, or an object without fields. */
const noBody = z.strictObject({}).nullish();

/** `GET /v1/generations`, `GET /v1/generations/{id}`, `POST .../cancel` and `POST .../retry-now`. */
export function addGenerationRoutes(app: ApiServer, context: ApiContext): void {
  const { generations, providerHealth, temporal } = context;

  app.get('/v1/generations/:id', { schema: { params } }, async (request) => {
    const reading = await readGeneration(context, knownForm(request.params.id));
    if (reading === undefined) throw generationNotFound();
    const isWaiting = reading.record.slots.some(({ waiting }) => waiting !== undefined);
    const health = isWaiting ? await providerHealth.list() : [];
    return generationView(reading.record, temporal, { ...reading, health });
  });

  app.get(
    '/v1/generations',
    { schema: { querystring } },
    async ({ query: { characterId, limit, cursor } }) => {
      const after = cursor && { createdAt: cursor[0], generationId: cursor[1] };
      const page = await generations.list({ characterId, limit: limit + 1, after });
      const items = page.slice(0, limit);
      const last = items.at(-1);
      const hasMore = page.length > limit && last !== undefined;
      return {
        items: items.map((item) => summaryView(item, temporal)),
        nextCursor: hasMore ? encodeCursor([last.createdAt, last.generationId]) : null,
      };
    },
  );

  app.post('/v1/generations/:id/cancel', { schema: { params, body: noBody } }, async (request, reply) => {
    const { record, status } = await cancelGeneration(context, knownForm(request.params.id));
    const links = generationLinks(record, temporal);
    return reply.code(status === 'cancelling' ? 202 : 200).send({ id: record.generationId, status, links });
  });

  app.post('/v1/generations/:id/retry-now', { schema: { params, body: noBody } }, async (request) => {
    const { record, slots } = await retryNow(context, knownForm(request.params.id));
    return { id: record.generationId, slots, links: generationLinks(record, temporal) };
  });
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
