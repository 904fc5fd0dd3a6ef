import { ProviderError } from '../errors';
import type { DispatchState } from '../types';
import type { GraphFile } from './graph-file';
import { ownFile } from './own-file';
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
  { jobKey, previous, graph }: { jobKey: string; previous: DispatchState; graph: GraphFile },
): Promise<FoundRun> {
  const handle = recordedHandle(previous) ?? { promptId: promptIdOf(jobKey) };
  const { promptId } = handle;
  const sighting =
    previous.phase === 'none' ? await pod.find(promptId) : await findSubmitted(pod, { promptId, graph });
  if (sighting.state === 'absent' && previous.phase === 'accepted') throw runVanished(handle.promptId);
  return { handle, sighting };
}

/**
 * Looks for a run that may have been submitted. The pod's history is in memory: after a restart, what a finished run
 * leaves is the file that bears its id.
 */
export async function findSubmitted(
  pod: Pod,
  { promptId, graph }: { promptId: string; graph: GraphFile },
): Promise<Sighting> {
  const sighting = await pod.find(promptId);
  const file = ownFile(graph, promptId);
  if (sighting.state !== 'absent' || file === undefined || !(await pod.holds(file))) return sighting;
  return { state: 'finished', entry: { outputs: { [graph.outputNode]: { images: [file] } } } };
}

/** The pod restarted before the run had finished, or its disk is gone, too. */
export function runVanished(promptId: string): ProviderError {
  return new ProviderError('the pod forgot the run, as it does when it restarts', {
    provider: 'comfyui',
    failureClass: 'transient',
    code: 'run_vanished',
    certainty: 'accepted',
    providerRequestId: promptId,
  });
}
