import { z } from 'zod';
import type { Character } from '../../db';
import { characterIdSchema } from '../../domain/requests';
import { callerOf } from '../access/principal';
import { characterAnswer, characterPage } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { cursorOf, encodeCursor, pageLimit } from '../http/cursor';
import { characterNotFound } from '../http/not-found';

const params = z.object({ id: characterIdSchema });
const body = z.strictObject({
  /** For people; the id is what everything else uses. */
  name: z.string().trim().min(1).max(200).nullable().default(null),
});
/** An id is all a character needs. */
const optionalBody = body.nullish().transform((given) => given ?? { name: null });
const querystring = z.strictObject({
  limit: pageLimit,
  cursor: cursorOf(z.tuple([characterIdSchema])).optional(),
});

/** `PUT /v1/characters/{id}` (201 when new), `GET` of one and of all. */
export function addCharacterRoutes(app: ApiServer, { characters }: ApiContext): void {
  const looking = { access: 'read' } as const;
  const changing = { access: 'start' } as const;
  const putting = {
    config: changing,
    schema: { params, body: optionalBody, response: { 200: characterAnswer, 201: characterAnswer } },
  };

  app.put('/v1/characters/:id', putting, async (request, reply) => {
    const { id } = request.params;
    const { name } = request.body;
    const { character, created } = await characters.put({ caller: callerOf(request), id, name });
    return reply.code(created ? 201 : 200).send(view(character));
  });

  app.get(
    '/v1/characters/:id',
    { config: looking, schema: { params, response: { 200: characterAnswer } } },
    async (request) => {
      const { id } = request.params;
      const character = await characters.get(callerOf(request), id);
      if (character === undefined) throw characterNotFound(id);
      return view(character);
    },
  );

  app.get(
    '/v1/characters',
    { config: looking, schema: { querystring, response: { 200: characterPage } } },
    async (request) => {
      const { limit, cursor } = request.query;
      const page = await characters.list({
        caller: callerOf(request),
        limit: limit + 1,
        afterId: cursor?.[0],
      });
      const items = page.slice(0, limit);
      const last = items.at(-1);
      const hasMore = page.length > limit && last !== undefined;
      return { items: items.map(view), nextCursor: hasMore ? encodeCursor([last.id]) : null };
    },
  );
}

function view({ id, name, createdAt, updatedAt }: Character) {
  const self = `/v1/characters/${id}`;
  return { id, name, createdAt, updatedAt, links: { self, loras: `${self}/loras` } };
}
