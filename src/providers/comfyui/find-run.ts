import { pause } from '../http/deadlines';
import { ProviderError } from '../errors';
import type { GraphFile } from './graph-file';
import { ownFile } from './own-file';
import type { Pod, Sighting } from './pod';

/** Where a submitted run is. */
export type RunSighting =
  | Exclude<Sighting, { state: 'finished' }>
  /** `isForgotten`: the pod restarted since, and all that is left of the run is its file. */
  | (Extract<Sighting, { state: 'finished' }> & { isForgotten: boolean });

/**
 * Looks for a run that may have been submitted. The pod's history is in memory: after a restart, what a finished run
 * leaves is the file that bears its id.
 *
 * @param run without a graph, as after a deploy that has no such endpoint any more, nobody knows the name of that file.
 */
export async function findSubmitted(
  pod: Pod,
  { promptId, graph }: { promptId: string; graph: GraphFile | undefined },
): Promise<RunSighting> {
  const sighting = await pod.find(promptId);
  if (sighting.state === 'finished') return { ...sighting, isForgotten: false };
  if (sighting.state !== 'absent' || graph === undefined) return sighting;
  const file = ownFile(graph, promptId);
  if (file === undefined || !(await pod.holds(file))) return sighting;
  const entry = { outputs: { [graph.outputNode]: { images: [file] } } };
  return { state: 'finished', entry, isForgotten: true };
}

/** A submit that lay in the socket of a frozen pod is read when it wakes, beside the look that asks for it. */
const lateSubmitMs = 1000;

/** For a submit whose answer was lost: only a pod that does not know the run twice has not taken it. */
export async function lookTwice(look: () => Promise<RunSighting>, signal: AbortSignal): Promise<RunSighting> {
  const sighting = await look();
  if (sighting.state !== 'absent') return sighting;
  await pause(lateSubmitMs, signal);
  return await look();
}

/** The pod restarted before the run had finished, or its disk is gone, too. */
export function runVanished(promptId: string): ProviderError {
  return new ProviderError('the pod forgot the run, as it does when it restarts', {
    provider: 'comfyui',
    code: 'run_vanished',
    outcome: 'ended_billed',
    providerRequestId: promptId,
  });
}
