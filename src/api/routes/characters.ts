import { z } from 'zod';
import type { Character } from '../../db';
import { characterIdSchema } from '../../domain/requests';
import type { ApiContext, ApiServer } from '../context';
import { cursorOf, encodeCursor, pageLimit } from '../http/cursor';
import { characterNotFound } from '../http/not-found';

const params = z.object({ id: characterIdSchema });
const body = z.strictObject({
  /** For people; the id is what everything else uses. */
  name: z.string().trim().min(1).max(200).nullable().default(null),
});
/** An id is all a character needs. */
const optionalBody = z.preprocess((value) => value ?? {}, body);
const querystring = z.strictObject({
  limit: pageLimit,
  cursor: cursorOf(z.tuple([characterIdSchema])).optional(),
});

/** `PUT /v1/characters/{id}` (201 when new), `GET` of one and of all. */
export function addCharacterRoutes(app: ApiServer, { characters }: ApiContext): void {
  app.put('/v1/characters/:id', { schema: { params, body: optionalBody } }, async (request, reply) => {
    const { id } = request.params;
    const { character, created } = await characters.put({ id, name: request.body.name });
    return reply.code(created ? 201 : 200).send(view(character));
  });

  app.get('/v1/characters/:id', { schema: { params } }, async ({ params: { id } }) => {
    const character = await characters.get(id);
    if (character === undefined) throw characterNotFound(id);
    return view(character);
  });

  app.get('/v1/characters', { schema: { querystring } }, async ({ query: { limit, cursor } }) => {
    const page = await characters.list({ limit: limit + 1, afterId: cursor?.[0] });
    const items = page.slice(0, limit);
    const last = items.at(-1);
    const hasMore = page.length > limit && last !== undefined;
    return { items: items.map(view), nextCursor: hasMore ? encodeCursor([last.id]) : null };
  });
}

function view(character: Character) {
  const self = `/v1/characters/${character.id}`;
  return { ...character, links: { self, loras: `${self}/loras` } };
}
