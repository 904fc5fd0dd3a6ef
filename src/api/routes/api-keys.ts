import { z } from 'zod';
import type { ApiKey, KeyChange } from '../../db';
import { scopes } from '../../domain/access';
import { callerSchema } from '../../domain/requests';
import { makeApiKey } from '../access/api-key';
import { principalOf } from '../access/principal';
import { apiKeyPage, newApiKeyAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { cursorOf, encodeCursor, pageLimit } from '../http/cursor';
import { HttpProblem } from '../http/http-problem';
import type { FastifyRequest } from 'fastify';

/** What was never an id of ours is answered as an unknown one. */
const keyIdForm = /^[0-9a-f]{16}$/;
const params = z.object({ id: z.string() });
const body = z.strictObject({
  /** Whose things the key is for. */
  caller: callerSchema,
  /** For people: where it is used. */
  name: z.string().trim().min(1).max(200),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .transform((given) => [...new Set(given)]),
  /** Left out: never. */
  expiresAt: z.iso
    .datetime({ offset: true })
    .refine((time) => Date.parse(time) > Date.now(), { error: 'must be in the future' })
    .optional(),
});
const querystring = z.strictObject({
  limit: pageLimit,
  cursor: cursorOf(z.tuple([z.iso.datetime(), z.string()])).optional(),
});

/** `POST` and `GET /v1/api-keys`, `DELETE /v1/api-keys/{id}`. An administrator manages the keys of every caller. */
export function addApiKeyRoutes(app: ApiServer, { apiKeys }: ApiContext): void {
  const config = { access: 'admin' } as const;

  app.post(
    '/v1/api-keys',
    { config, schema: { body, response: { 201: newApiKeyAnswer } } },
    async (request, reply) => {
      const { id, secretHash, text } = makeApiKey();
      const key = await apiKeys.create({ id, secretHash, ...request.body }, changeBy(request));
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...view(key), key: text });
    },
  );

  app.get(
    '/v1/api-keys',
    { config, schema: { querystring, response: { 200: apiKeyPage } } },
    async ({ query: { limit, cursor } }) => {
      const after = cursor && { createdAt: cursor[0], id: cursor[1] };
      const page = await apiKeys.list({ limit: limit + 1, after });
      const items = page.slice(0, limit);
      const last = items.at(-1);
      const hasMore = page.length > limit && last !== undefined;
      return { items: items.map(view), nextCursor: hasMore ? encodeCursor([last.createdAt, last.id]) : null };
    },
  );

  app.delete('/v1/api-keys/:id', { config, schema: { params } }, async (request, reply) => {
    const { id } = request.params;
    if (keyIdForm.test(id) && (await apiKeys.revoke(id, changeBy(request)))) return reply.code(204).send();
    throw new HttpProblem(404, 'api_key_not_found', 'There is no such key.');
  });
}

function changeBy(request: FastifyRequest): KeyChange {
  const { caller, keyId } = principalOf(request);
  return { caller, keyId, requestId: request.id };
}

function view({ id, caller, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt }: ApiKey) {
  return { id, caller, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt };
}
