import { z } from 'zod';
import { studioModes } from '../../domain/requests';
import { listModels, type ModelCapability } from '../../registry';
import type { ApiContext, ApiServer } from '../context';

const capabilities = [
  'text-to-image',
  'image-to-image',
  'lora',
  'editing',
  'upscaling',
  'reference-image',
  'video',
] as const satisfies readonly ModelCapability[];

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const querystring = z.strictObject({
  mode: z.enum(studioModes).optional(),
  capability: z.enum(capabilities).optional(),
  nsfw: flag.optional(),
  useLora: flag.optional(),
});

/** `GET /v1/models`: every registered model, and whether it could serve such a request here and now. */
export function addModelRoutes(app: ApiServer, { routing }: ApiContext): void {
  app.get('/v1/models', { config: { access: 'read' }, schema: { querystring } }, ({ query }, reply) =>
    reply.send({ items: listModels(query, routing) }),
  );
}
