import { randomInt, randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { IdempotencyKey, RepeatedStart } from '../../db';
import { dailyLimitOf } from '../../domain/daily-limits';
import type { GenerationInput, GenerationStatus } from '../../domain/generation';
import { withSettings } from '../../domain/requests';
import type { GenerationPlan } from '../../domain/plan';
import { workflowIdOf } from '../../domain/workflow-id';
import { planCost } from '../../registry';
import type { ApiContext } from '../context';
import { HttpProblem } from '../http/http-problem';
import { generationLinks, type GenerationLinks } from '../http/links';
import { planOrder, type PlanOrder } from './plan-order';
import { readGeneration } from './read-generation';
import { dailyLimitExceeded, keyReused } from './start-problems';
import { TemporalUnavailable } from '../temporal/temporal-port';

/** A request to make pictures, from whichever route. */
export interface StartOrder {
  caller: string;
  idempotency: IdempotencyKey | undefined;
  /** Looks up what the request names; not called for a request whose key is known. @throws RequestRefused */
  resolve: () => Promise<PlanOrder>;
}

export interface StartedGeneration {
  id: string;
  status: GenerationStatus;
  links: GenerationLinks;
}

/** `isNew`: this request made the job; else it repeats one that did. */
export interface StartOutcome {
  isNew: boolean;
  started: StartedGeneration;
}

/**
 * Plans, notes and starts one generation; or finds the one that the same request with the same key has started.
 *
 * @throws RequestRefused before anything is written when no route can serve it.
 * @throws HttpProblem 402 beyond the caller's daily limit, 409 for the key of another request, 503 when Temporal is
 * down; that one says whether the job may be running all the same.
 */
export async function startGeneration(
  context: ApiContext,
  order: StartOrder,
  logger: FastifyBaseLogger,
): Promise<StartOutcome> {
  const { generations, dailyLimits } = context;
  const { caller, idempotency } = order;
  const known = idempotency && (await generations.findRepeat(caller, idempotency));
  if (known?.kind === 'key_reused') throw keyReused();
  if (known !== undefined) return await startAgain(context, known, logger);
  const input = await inputOf(context, order);
  const dailyLimitUsd = dailyLimitOf(dailyLimits, caller);
  const acceptance = await generations.accept({ input, idempotency, dailyLimitUsd });
  switch (acceptance.kind) {
    case 'accepted':
      return await startAccepted(context, { ...input, generationId: acceptance.generationId }, logger);
    case 'repeated':
      return await startAgain(context, acceptance, logger);
    case 'key_reused':
      throw keyReused();
    case 'over_limit':
      throw dailyLimitExceeded(acceptance.spend, { limitUsd: dailyLimitUsd ?? 0, input });
  }
}

/** Its worst eligible prices are set aside before the first submit. */
async function inputOf(context: ApiContext, { caller, resolve }: StartOrder): Promise<GenerationInput> {
  const order = await resolve();
  const fallbackSeed = randomInt(2 ** 32);
  const plan = await planFor(context, { ...order, caller }, fallbackSeed);
  // What is on record gives the same plan again.
  const seed = order.flowRequest.request.seed ?? fallbackSeed;
  const flowRequest = withSettings(order.flowRequest, { seed });
  const { characterId, nsfw } = flowRequest.request;
  const reservedUsd = planCost(plan).worstUsd;
  const { lineage } = order;
  return { generationId: randomUUID(), characterId, nsfw, caller, reservedUsd, flowRequest, plan, lineage };
}

function planFor(
  context: ApiContext,
  { caller, ...order }: PlanOrder & { caller: string },
  fallbackSeed: number,
): Promise<GenerationPlan> {
  const readSet = async (id: string) => (await readGeneration(context, { caller, id }))?.record;
  return planOrder({ ...context, caller, readSet }, order, fallbackSeed);
}

async function startAccepted(
  context: ApiContext,
  input: GenerationInput,
  logger: FastifyBaseLogger,
): Promise<StartOutcome> {
  const { generationId, characterId, flowRequest } = input;
  const workflowId = workflowIdOf({ flow: flowRequest.flow, characterId, generationId });
  const started = startedView(context, { generationId, workflowId, status: 'accepted' });
  const runId = await context.temporal
    .start(input)
    .catch((error: unknown) => failedStart(context, started, { error, logger }));
  confirm(context, { generationId, runId }, logger);
  return { isNew: true, started };
}

/** Beside the answer: the workflow runs, whatever becomes of this note. */
function confirm(
  { generations }: ApiContext,
  { generationId, runId }: { generationId: string; runId: string | undefined },
  logger: FastifyBaseLogger,
): void {
  generations.confirmStart(generationId, runId).catch((err: unknown) => {
    logger.warn(
      { err, generationId },
      'that a job has started could not be noted yet; its own report will do it',
    );
  });
}

/** Makes sure that it runs: the request before this one may have died between its row and its workflow. */
async function startAgain(
  context: ApiContext,
  repeat: RepeatedStart,
  logger: FastifyBaseLogger,
): Promise<StartOutcome> {
  const started = startedView(context, repeat);
  if (repeat.unconfirmed !== undefined) {
    const { unconfirmed } = repeat;
    const runId = await ensureRunning(context, unconfirmed).catch((error: unknown) => {
      throw error instanceof TemporalUnavailable ? mayRun(started, error) : error;
    });
    confirm(context, { generationId: unconfirmed.generationId, runId }, logger);
  }
  return { isNew: false, started };
}

/** A request that no plan can serve any more may have been planned, and started, before. */
async function ensureRunning(
  context: ApiContext,
  unconfirmed: NonNullable<RepeatedStart['unconfirmed']>,
): Promise<string | undefined> {
  const { flow } = unconfirmed.flowRequest;
  const run = await context.temporal.describe(workflowIdOf({ flow, ...unconfirmed }));
  if (run !== undefined) return undefined;
  const plan = await planFor(context, unconfirmed, 0);
  return await context.temporal.start({ ...unconfirmed, plan });
}

function startedView(
  { temporal }: ApiContext,
  { generationId, workflowId, status }: Pick<RepeatedStart, 'generationId' | 'workflowId' | 'status'>,
): StartedGeneration {
  return { id: generationId, status, links: generationLinks({ generationId, workflowId }, temporal) };
}

/** Leaves no trace of a job that certainly did not start, and the id of one that may have. */
async function failedStart(
  { generations }: ApiContext,
  started: StartedGeneration,
  { error, logger }: { error: unknown; logger: FastifyBaseLogger },
): Promise<never> {
  if (error instanceof TemporalUnavailable && error.mayHaveStarted) throw mayRun(started, error);
  await generations.removeAccepted(started.id).catch((cause: unknown) => {
    // It will be reported as never started instead.
    const note = 'the row of a job that did not start could not be removed';
    logger.warn({ err: cause, generationId: started.id }, note);
  });
  throw error;
}

function mayRun({ id, links }: StartedGeneration, cause: TemporalUnavailable): HttpProblem {
  return new HttpProblem(
    503,
    'temporal_unavailable',
    `Temporal did not confirm the start. The job may be running: look at ${links.self} before you send it again ` +
      'without its Idempotency-Key; with the key it is the same job.',
    { extensions: { id, links }, retryAfterSeconds: 5, mayHaveTakenEffect: true, cause },
  );
}
