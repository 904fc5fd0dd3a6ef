import { ProviderError } from '../errors';
import type { DispatchState } from '../types';
import type { Pod, Sighting } from './pod';
import { promptIdOf } from './prompt-id';
import { recordedHandle, type RunHandle } from './run-handle';

export interface FoundRun {
  handle: RunHandle;
  sighting: Sighting;
}

/**
 * Looks for the one run of a job in the pod's queue and history. With state `absent` the job may be submitted under
 * that id, also after an `intent`: the pod says that it has no such job. One gap remains, a POST that a dead worker left
 * on the wire and the pod has not read yet; the heartbeat timeout that lies between the two closes it in practice.
 *
 * @throws ProviderError `run_vanished` when the pod once took the job and no longer knows it; else what the pod's calls
 * throw.
 */
export async function findRun(
  pod: Pod,
  { jobKey, previous }: { jobKey: string; previous: DispatchState },
): Promise<FoundRun> {
  const handle = recordedHandle(previous) ?? { promptId: promptIdOf(jobKey) };
  const sighting = await pod.find(handle.promptId);
  if (sighting.state === 'absent' && previous.phase === 'accepted') throw runVanished(handle.promptId);
  return { handle, sighting };
}

/** The pod's history is in memory: after a restart nobody knows the run, and its pictures cannot be found. */
export function runVanished(promptId: string): ProviderError {
  return new ProviderError('the pod forgot the run, as it does when it restarts', {
    provider: 'comfyui',
    failureClass: 'transient',
    code: 'run_vanished',
    certainty: 'accepted',
    providerRequestId: promptId,
  });
}
