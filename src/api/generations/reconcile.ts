import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { GenerationState } from '../../domain/generation';
import { goesOnFrom } from '../../domain/forgotten';
import type { ApiContext } from '../context';
import { readGeneration, type UnstoredEnd } from './read-generation';

/** Between two looks. */
const pauseMs = 30_000;

type Sources = Pick<ApiContext, 'generations' | 'temporal'>;

/** {@link reconcile} for as long as the process runs. Any number of processes may do so at once. */
export async function keepReconciling(
  sources: Sources,
  { logger, signal }: { logger: FastifyBaseLogger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await reconcile(sources, signal).catch((err: unknown) => {
      logger.warn({ err }, 'what happened to workflows from outside could not be looked for; trying again');
    });
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/**
 * Writes down what workflows cannot tell the database themselves: one never started, an operator ended or reset it, or
 * Temporal lost it. Asks Temporal once for all that runs, and then only for what does not fit.
 */
export async function reconcile(sources: Sources, signal?: AbortSignal): Promise<void> {
  const { generations, temporal } = sources;
  const running = await temporal.listRunning();
  for (const { generationId, workflowId, runId } of await generations.listOpen([...running.keys()])) {
    if (signal?.aborted === true) return;
    const present = running.get(workflowId);
    if (present === undefined) await storeEnd(sources, generationId);
    else if (present !== runId) await storeReset(sources, { workflowId, runId });
  }
}

async function storeEnd(sources: Sources, generationId: string): Promise<void> {
  const reading = await readGeneration(sources, generationId);
  if (reading?.unstored === undefined) return;
  const { seen, state, end }: UnstoredEnd = reading.unstored;
  if (state !== undefined) await store(sources, seen.workflowId, state);
  if (end === undefined) return;
  const newest = (await sources.generations.find(generationId)) ?? seen;
  await sources.generations.endUnfinished(newest, end);
}

/** Another run than the one that reported last: after a rest it goes on from that one, after a reset it does not. */
async function storeReset(
  sources: Sources,
  { workflowId, runId }: { workflowId: string; runId: string | undefined },
): Promise<void> {
  const state = await sources.temporal.progress(workflowId).catch(() => undefined);
  if (state === undefined || goesOnFrom(state, runId ?? state.firstRun)) return;
  await store(sources, workflowId, state);
}

async function store(
  { generations, temporal }: Sources,
  workflowId: string,
  state: GenerationState,
): Promise<void> {
  await generations.saveState(state, ({ runs = [] }) => temporal.earlierRuns(workflowId, runs));
}
