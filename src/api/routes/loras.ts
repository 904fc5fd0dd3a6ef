import { z } from 'zod';
import { loraStatuses, type Lora } from '../../db';
import { characterIdSchema, loraBaseModels, loraIdSchema } from '../../domain/requests';
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
  app.put('/v1/characters/:id/loras/:loraId', { schema: { params, body } }, async (request, reply) => {
    const { id: characterId, loraId } = request.params;
    const written = await loras.put({ characterId, id: loraId, ...request.body });
    if (written === undefined) throw characterNotFound(characterId);
    return reply.code(written.created ? 201 : 200).send(view(written.lora));
  });

  app.get('/v1/characters/:id/loras/:loraId', { schema: { params } }, async ({ params: { id, loraId } }) => {
    const lora = await loras.get(id, loraId);
    if (lora === undefined) throw loraNotFound(id, loraId);
    return view(lora);
  });

  app.delete('/v1/characters/:id/loras/:loraId', { schema: { params } }, async (request, reply) => {
    const { id, loraId } = request.params;
    if (!(await loras.remove(id, loraId))) throw loraNotFound(id, loraId);
    return reply.code(204).send();
  });

  app.get('/v1/characters/:id/loras', { schema: { params: params.pick({ id: true }) } }, async (request) => {
    const { id } = request.params;
    if ((await characters.get(id)) === undefined) throw characterNotFound(id);
    return { items: (await loras.list(id)).map(view) };
  });
}

function view(lora: Lora) {
  return { ...lora, links: { self: `/v1/characters/${lora.characterId}/loras/${lora.id}` } };
}
