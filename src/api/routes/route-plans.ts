import { z } from 'zod';
import {
  baseImagesRequestSchema,
  profilePicturesRequestSchema,
  studioRequestSchema,
} from '../../domain/requests';
import { planGeneration } from '../../registry';
import { assertMayMake, principalOf } from '../access/principal';
import { routePlanAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { pictureBodyLimitBytes } from '../http/json-body-limit';
import { resolveRequest, type FlowBody } from '../generations/resolve-request';
import { routePlanView } from '../generations/route-plan-view';

const body = z.discriminatedUnion('flow', [
  baseImagesRequestSchema.extend({ flow: z.literal('base-images') }),
  profilePicturesRequestSchema.extend({ flow: z.literal('profile-pictures') }),
  studioRequestSchema.extend({ flow: z.literal('studio') }),
]);

/**
 * `POST /v1/route-plans`: what a start with this body would do, and what it would cost. Refuses what a start would
 * refuse; starts nothing and calls no provider. A picture from elsewhere becomes an asset, as in a start.
 */
export function addRoutePlanRoute(app: ApiServer, context: ApiContext): void {
  // It starts nothing, so looking is enough, unless a picture has to be fetched.
  const config = { access: 'read', effect: 'same' } as const;
  app.post(
    '/v1/route-plans',
    { config, bodyLimit: pictureBodyLimitBytes, schema: { body, response: { 200: routePlanAnswer } } },
    async (request) => {
      assertMayMake(request, request.body);
      const { caller, scopes } = principalOf(request);
      const asked = { caller, ownHost: request.host, mayStore: scopes.has('start') };
      const flowRequest = await resolveRequest(context, toFlowBody(request.body), asked);
      return routePlanView(planGeneration(flowRequest, context.routing, { fallbackSeed: 0 }), flowRequest);
    },
  );
}

function toFlowBody({ flow, ...request }: z.infer<typeof body>): FlowBody {
  // Spelt out, because the compiler does not see that `flow` and the rest belong together.
  if (flow === 'base-images') return { flow, request: baseImagesRequestSchema.parse(request) };
  if (flow === 'profile-pictures') return { flow, request: profilePicturesRequestSchema.parse(request) };
  return { flow, request: studioRequestSchema.parse(request) };
}
