import { openCallScope } from '../http/deadlines';
import type { Stopped } from '../types';
import { PodSilent } from './answer-error';
import { findSubmitted, lookTwice, type RunSighting } from './find-run';
import type { GraphFile } from './graph-file';
import { createPod, type Pod, type PodOptions } from './pod';
import { noteOf } from './run-handle';
import { wasInterrupted } from './run-result';

/** Stopping must not delay a cancellation for long. */
const stopSeconds = 9;
/** Of each of its requests; what a frozen pod has not answered by then lies in its socket, and takes effect when it wakes. */
const orderSeconds = 3;

export interface UnwantedRun {
  promptId: string;
  graph: GraphFile | undefined;
  /** The pod took it; otherwise its submit had no answer. */
  isAccepted: boolean;
}

/**
 * Takes a run out of the queue, or interrupts it if it is the one that runs. Never throws, and takes 9 s at most.
 *
 * @param caller ends it earlier; not the call's own signal, which may long have been aborted.
 */
export async function stopRun(
  run: UnwantedRun,
  options: Pick<PodOptions, 'http' | 'baseUrl'>,
  caller: AbortSignal,
): Promise<Stopped> {
  const scope = openCallScope(caller, stopSeconds);
  const limits = { connectSeconds: orderSeconds, answerSeconds: orderSeconds, uploadSeconds: orderSeconds };
  const pod = createPod({ ...options, limits, signal: scope.signal });
  try {
    return await stop(pod, run, scope.signal);
  } catch (error) {
    return { kind: 'cannot_tell', reason: error instanceof Error ? error.message : 'the pod did not answer' };
  } finally {
    scope.close();
  }
}

async function stop(pod: Pod, run: UnwantedRun, signal: AbortSignal): Promise<Stopped> {
  const stopWhereItIs = async (): Promise<RunSighting> => await orderStop(pod, run);
  const sighting = run.isAccepted ? await stopWhereItIs() : await lookTwice(stopWhereItIs, signal);
  return whatBecameOf(sighting, run);
}

/** Returns where the run was after it was taken out of the queue. */
async function orderStop(pod: Pod, run: UnwantedRun): Promise<RunSighting> {
  const { promptId } = run;
  // Before the look: a run that begins between the two is then seen as running, not left in the queue.
  await pod.dequeue(promptId).catch(async (error: unknown) => {
    if (!(error instanceof PodSilent)) throw error;
    // Who does not answer cannot be looked at either, and is told both things it may have to do.
    await pod.interrupt(promptId);
  });
  const sighting = await findSubmitted(pod, run);
  if (sighting.state === 'running') await pod.interrupt(promptId);
  return sighting;
}

function whatBecameOf(sighting: RunSighting, { promptId, isAccepted }: UnwantedRun): Stopped {
  switch (sighting.state) {
    case 'absent':
      return isAccepted ? { kind: 'stopped', charge: 'none' } : { kind: 'never' };
    case 'pending':
      return { kind: 'cannot_tell', reason: 'the pod did not take the run out of its queue' };
    case 'running':
      return { kind: 'stopped', charge: 'price' };
    case 'finished':
      return wasInterrupted(sighting.entry)
        ? { kind: 'stopped', charge: 'price' }
        : { kind: 'finished', handle: noteOf({ promptId }) };
  }
}
