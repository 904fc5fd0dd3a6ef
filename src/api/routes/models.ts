import { z } from 'zod';
import { studioModes } from '../../domain/requests';
import { listModels, modelCapabilities, type ListedModel } from '../../registry';
import { modelList } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const querystring = z.strictObject({
  mode: z.enum(studioModes).optional(),
  capability: z.enum(modelCapabilities).optional(),
  nsfw: flag.optional(),
  useLora: flag.optional(),
});

/** `GET /v1/models`: every registered model, and whether it could serve such a request here and now. */
export function addModelRoutes(app: ApiServer, { routing }: ApiContext): void {
  const schema = { querystring, response: { 200: modelList } };
  app.get('/v1/models', { config: { access: 'read' }, schema }, ({ query }) => ({
    items: listModels(query, routing).map(view),
  }));
}

function view(model: ListedModel) {
  return { ...model, capabilities: [...model.capabilities], studioModes: [...model.studioModes] };
}
