import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  baseImagesRequestSchema,
  profilePicturesRequestSchema,
  studioRequestSchema,
} from '../../domain/requests';
import type { ApiContext, ApiServer } from '../context';
import { resolveRequest, type FlowBody } from '../resolve-request';
import { startGeneration } from '../start-generation';

/** `POST /v1/base-images`, `/v1/profile-pictures` and `/v1/studio`: 202, and the work goes on without the caller. */
export function addStartRoutes(app: ApiServer, context: ApiContext): void {
  const start = async (
    body: FlowBody,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const flowRequest = await resolveRequest(context, body, request.host);
    const started = await startGeneration(context, flowRequest, request.log);
    return reply.code(202).header('location', started.links.self).send(started);
  };

  app.post('/v1/base-images', { schema: { body: baseImagesRequestSchema } }, (request, reply) =>
    start({ flow: 'base-images', request: request.body }, request, reply),
  );
  app.post('/v1/profile-pictures', { schema: { body: profilePicturesRequestSchema } }, (request, reply) =>
    start({ flow: 'profile-pictures', request: request.body }, request, reply),
  );
  app.post('/v1/studio', { schema: { body: studioRequestSchema } }, (request, reply) =>
    start({ flow: 'studio', request: request.body }, request, reply),
  );
}
