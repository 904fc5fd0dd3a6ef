import { z } from 'zod';
import type { FastifyRequest } from 'fastify';
import { loraStatuses, type CharacterRef, type Lora } from '../../db';
import { characterIdSchema, loraBaseModels, loraIdSchema } from '../../domain/requests';
import { callerOf } from '../access/principal';
import { loraAnswer, loraList } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { characterNotFound, loraNotFound } from '../http/not-found';

const params = z.object({ id: characterIdSchema, loraId: loraIdSchema });
const body = z.strictObject({
  /** What it was trained on; it runs on no other model. */
  baseModel: z.enum(loraBaseModels),
  /** Goes into every prompt that uses the LoRA. */
  triggerWord: z.string().trim().min(1).max(100),
  /** Only `ready` ones can be used. */
  status: z.enum(loraStatuses).default('ready'),
  defaultStrength: z.number().min(0.1).max(2).default(1),
  /** Left out: stays as it is; but a `ready` one becomes the default where the character has no `ready` default. */
  isDefault: z.boolean().optional(),
});

/** `PUT`, `GET` and `DELETE /v1/characters/{id}/loras/{loraId}`, and the list. */
export function addLoraRoutes(app: ApiServer, { characters, loras }: ApiContext): void {
  const url = '/v1/characters/:id/loras/:loraId';
  const changing = { access: 'start' } as const;
  const looking = { access: 'read' } as const;
  const deleting = { access: 'start', audit: 'lora.delete' } as const;

  app.put(
    url,
    { config: changing, schema: { params, body, response: { 200: loraAnswer, 201: loraAnswer } } },
    async (request, reply) => {
      const { id: characterId, loraId } = request.params;
      const caller = callerOf(request);
      const written = await loras.put({ caller, characterId, id: loraId, ...request.body });
      if (written === undefined) throw characterNotFound(characterId);
      return reply.code(written.created ? 201 : 200).send(view(written.lora));
    },
  );

  app.get(url, { config: looking, schema: { params, response: { 200: loraAnswer } } }, async (request) => {
    const { id, loraId } = request.params;
    const lora = await loras.get(ofCharacter(request), loraId);
    if (lora === undefined) throw loraNotFound(id, loraId);
    return view(lora);
  });

  app.delete(url, { config: deleting, schema: { params } }, async (request, reply) => {
    const { id, loraId } = request.params;
    if (!(await loras.remove(ofCharacter(request), loraId))) throw loraNotFound(id, loraId);
    return reply.code(204).send();
  });

  const ofOne = { params: params.pick({ id: true }), response: { 200: loraList } };
  app.get('/v1/characters/:id/loras', { config: looking, schema: ofOne }, async (request) => {
    const { id } = request.params;
    if ((await characters.get(callerOf(request), id)) === undefined) throw characterNotFound(id);
    return { items: (await loras.list(ofCharacter(request))).map(view) };
  });
}

function ofCharacter(request: Pick<FastifyRequest, 'principal'> & { params: { id: string } }): CharacterRef {
  return { caller: callerOf(request), characterId: request.params.id };
}

function view(lora: Lora) {
  return { ...lora, links: { self: `/v1/characters/${lora.characterId}/loras/${lora.id}` } };
}
