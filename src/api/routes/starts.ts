import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  baseImagesRequestSchema,
  profilePicturesRequestSchema,
  studioRequestSchema,
} from '../../domain/requests';
import { assertMayMake, callerOf } from '../access/principal';
import { startedAnswer } from '../answers/generation';
import type { ApiContext, ApiServer } from '../context';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { pictureBodyLimitBytes } from '../http/json-body-limit';
import { resolveRequest, type FlowBody } from '../generations/resolve-request';
import { sendStarted } from '../generations/send-started';
import { startGeneration, type StartedGeneration } from '../generations/start-generation';

/**
 * `POST /v1/base-images`, `/v1/profile-pictures` and `/v1/studio`: 202, and the work goes on without the caller; 200
 * for a request that repeats the `Idempotency-Key` of one before.
 */
export function addStartRoutes(app: ApiServer, context: ApiContext): void {
  const config = { access: 'start', effect: 'keyed' } as const;
  const bodyLimit = pictureBodyLimitBytes;
  const start = async (
    body: FlowBody,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<StartedGeneration> => {
    assertMayMake(request, body.request);
    const caller = callerOf(request);
    const order = {
      caller,
      idempotency: idempotencyKeyOf(request),
      resolve: async () => ({
        flowRequest: await resolveRequest(context, body, { caller, ownHost: request.host, mayStore: true }),
      }),
    };
    return sendStarted(reply, await startGeneration(context, order, request.log));
  };

  const response = { 200: startedAnswer, 202: startedAnswer };
  app.post(
    '/v1/base-images',
    { config, bodyLimit, schema: { body: baseImagesRequestSchema, response } },
    (request, reply) => start({ flow: 'base-images', request: request.body }, request, reply),
  );
  app.post(
    '/v1/profile-pictures',
    { config, bodyLimit, schema: { body: profilePicturesRequestSchema, response } },
    (request, reply) => start({ flow: 'profile-pictures', request: request.body }, request, reply),
  );
  app.post(
    '/v1/studio',
    { config, bodyLimit, schema: { body: studioRequestSchema, response } },
    (request, reply) => start({ flow: 'studio', request: request.body }, request, reply),
  );
}
