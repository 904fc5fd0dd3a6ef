import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { GenerationInput } from '../domain/generation';
import type { FlowRequest } from '../domain/requests';
import { workflowIdOf } from '../domain/workflow-id';
import { planGeneration } from '../registry';
import type { ApiContext } from './context';
import { HttpProblem } from './http-problem';
import { generationLinks, type GenerationLinks } from './links';
import { TemporalUnavailable } from './temporal-port';

export interface StartedGeneration {
  id: string;
  status: 'accepted';
  links: GenerationLinks;
}

/**
 * Plans, notes and starts one generation.
 *
 * @throws RequestRefused before anything is written when no route can serve it.
 * @throws HttpProblem 503 when Temporal is down; it says whether the job may be running all the same.
 */
export async function startGeneration(
  context: ApiContext,
  flowRequest: FlowRequest,
  logger: FastifyBaseLogger,
): Promise<StartedGeneration> {
  // Only for its refusals: the workflow plans again, so that the plan it follows stands in its own history.
  planGeneration(flowRequest, context.routing, { fallbackSeed: 0 });
  const { characterId, nsfw } = flowRequest.request;
  const input: GenerationInput = { generationId: randomUUID(), characterId, nsfw, flowRequest };
  await context.generations.insertAccepted(input);
  const started = startedView(context, input);
  await context.temporal
    .start(input)
    .catch((error: unknown) => failedStart(context, started, { error, logger }));
  return started;
}

function startedView(
  { temporal }: ApiContext,
  { generationId, characterId, flowRequest }: GenerationInput,
): StartedGeneration {
  const workflowId = workflowIdOf({ flow: flowRequest.flow, characterId, generationId });
  return {
    id: generationId,
    status: 'accepted',
    links: generationLinks({ generationId, workflowId }, temporal),
  };
}

/** Leaves no trace of a job that certainly did not start, and the id of one that may have. */
async function failedStart(
  { generations }: ApiContext,
  { id, links }: StartedGeneration,
  { error, logger }: { error: unknown; logger: FastifyBaseLogger },
): Promise<never> {
  if (error instanceof TemporalUnavailable && error.mayHaveStarted) {
    throw new HttpProblem(
      503,
      'temporal_unavailable',
      `Temporal did not confirm the start. The job may be running: look at ${links.self} before you send it again.`,
      { extensions: { id, links }, retryAfterSeconds: 5, cause: error },
    );
  }
  await generations.removeAccepted(id).catch((cause: unknown) => {
    // It will be reported as never started instead.
    logger.warn({ err: cause, generationId: id }, 'the row of a job that did not start could not be removed');
  });
  throw error;
}
