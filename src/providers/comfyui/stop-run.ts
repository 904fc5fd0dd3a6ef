import { openCallScope } from '../deadlines';
import { createPod, type PodOptions } from './pod';

/** Stopping must not delay a cancellation for long; a pod that is gone cannot be told anyway. */
const stopSeconds = 5;

/**
 * Takes a run out of the queue, or interrupts it if it is the one that runs. Never throws, and takes 5 s at most.
 *
 * @returns whether nothing is to be had from the run any more; not so when it had already ended, or the pod did not answer.
 */
export async function stopRun(promptId: string, options: Omit<PodOptions, 'signal'>): Promise<boolean> {
  // A scope of its own: the call's is over.
  const scope = openCallScope(new AbortController().signal, stopSeconds);
  const pod = createPod({ ...options, signal: scope.signal });
  try {
    // Before the look: a run that begins between the two is then seen as running, not left in the queue.
    await pod.dequeue(promptId);
    const { state } = await pod.find(promptId);
    if (state === 'running') await pod.interrupt(promptId);
    return state !== 'finished';
  } catch {
    // The next look at this id finds whatever became of it.
    return false;
  } finally {
    scope.close();
  }
}
