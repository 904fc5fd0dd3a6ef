import type { FastifyReply } from 'fastify';
import type { StartOutcome } from './start-generation';

/** 202 for a new job, 200 for one that this request only repeats. */
export function sendStarted(reply: FastifyReply, { isNew, started }: StartOutcome): FastifyReply {
  return reply
    .code(isNew ? 202 : 200)
    .header('location', started.links.self)
    .send(started);
}
