import type { FastifyReply } from 'fastify';
import type { StartedGeneration, StartOutcome } from './start-generation';

/** The body: 202 for a new job, 200 for one that this request only repeats. */
export function sendStarted(reply: FastifyReply, { isNew, started }: StartOutcome): StartedGeneration {
  reply.code(isNew ? 202 : 200).header('location', started.links.self);
  return started;
}
