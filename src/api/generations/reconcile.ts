import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { GenerationState } from '../../domain/generation';
import { goesOnFrom } from '../../domain/forgotten';
import type { GenerationRecord, OpenGeneration } from '../../db';
import type { ApiContext } from '../context';
import { isFinished, readGenerationOfAnyone, type UnstoredEnd } from './read-generation';

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
  let doWorkersAnswer = true;
  for (const open of await generations.listOpen([...running.keys()])) {
    if (signal?.aborted === true) return;
    const present = running.get(open.workflowId);
    if (present === undefined) await storeEnd(sources, open.generationId);
    // Without a worker each question would take its whole time.
    else if (present !== open.runId && doWorkersAnswer)
      doWorkersAnswer = await noteRun(sources, open, present);
  }
}

async function storeEnd({ generations, temporal }: Sources, generationId: string): Promise<void> {
  const reading = await readGenerationOfAnyone({ generations, temporal }, generationId);
  if (reading === undefined) return;
  if (reading.unstored === undefined) {
    await endSettling({ generations, temporal }, reading.record);
    return;
  }
  const { seen, state, end }: UnstoredEnd = reading.unstored;
  if (state !== undefined) await store({ generations, temporal }, seen.workflowId, state);
  if (end === undefined) return;
  // Only what was judged is ended: whoever was sooner has stored it, or started the job again.
  const judged = state === undefined ? seen : { ...seen, revision: state.revision, status: state.status };
  await generations.endUnfinished(judged, end);
}

/** A generation may end long before its jobs are settled; its workflow may be ended from outside between the two. */
async function endSettling({ generations, temporal }: Sources, record: GenerationRecord): Promise<void> {
  if (!isFinished(record.status) || record.unsettledJobs === 0) return;
  const run = await temporal.describe(record.workflowId);
  if (run?.status !== 'running') await generations.abandonSettling(record);
}

/**
 * Another run than the one that reported last: after a rest it goes on from that one, after a reset it does not. Returns
 * whether a worker answered.
 */
async function noteRun(sources: Sources, open: OpenGeneration, presentRun: string): Promise<boolean> {
  const { generationId, workflowId, runId, revision } = open;
  const state = await sources.temporal.progress(workflowId).catch(() => undefined);
  if (state === undefined) return false;
  if (goesOnFrom(state, runId ?? state.firstRun)) {
    await sources.generations.noteRun(generationId, presentRun);
  } else {
    // Its last own change may be older than what the run before it stored.
    const newer = { ...state, revision: Math.max(state.revision, revision + 1) };
    await store(sources, workflowId, newer);
  }
  return true;
}

async function store(
  { generations, temporal }: Sources,
  workflowId: string,
  state: GenerationState,
): Promise<void> {
  await generations.saveState(state, ({ runs = [] }) => temporal.earlierRuns(workflowId, runs));
}
