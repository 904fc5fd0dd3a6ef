import { openCallScope } from '../deadlines';
import type { ProviderCharge } from '../errors';
import { createPod, type PodOptions, type Sighting } from './pod';

/** Stopping must not delay a cancellation for long; a pod that is gone cannot be told anyway. */
const stopSeconds = 5;

/**
 * Takes a run out of the queue, or interrupts it if it is the one that runs. Never throws, and takes 5 s at most.
 *
 * @param caller ends it earlier; not the call's own signal, which may long have been aborted.
 * @returns where the run was: `absent` after it was taken out, or when the pod did not know it; `undefined` when the pod
 * did not answer.
 */
export async function stopRun(
  promptId: string,
  options: Omit<PodOptions, 'signal'>,
  caller: AbortSignal = new AbortController().signal,
): Promise<Sighting['state'] | undefined> {
  const scope = openCallScope(caller, stopSeconds);
  const pod = createPod({ ...options, signal: scope.signal });
  try {
    // Before the look: a run that begins between the two is then seen as running, not left in the queue.
    await pod.dequeue(promptId);
    const { state } = await pod.find(promptId);
    if (state === 'running') await pod.interrupt(promptId);
    return state;
  } catch {
    // The next look at this id finds whatever became of it.
    return undefined;
  } finally {
    scope.close();
  }
}

/** What a run costs that was found there when it was stopped. */
export function chargeOfStop(state: Sighting['state'] | undefined): ProviderCharge | undefined {
  if (state === 'absent') return 'none';
  return state === 'running' || state === 'finished' ? 'price' : undefined;
}
