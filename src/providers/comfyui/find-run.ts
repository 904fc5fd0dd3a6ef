import { z } from 'zod';
import type { DispatchState } from '../types';
import { ProviderError } from '../errors';
import type { Pod, Sighting } from './pod';
import { promptIdOf, type RunHandle } from './prompt-id';
import { hasResult } from './run-result';

export interface FoundRun extends RunHandle {
  sighting: Sighting;
}

const handleSchema = z.object({ promptId: z.string(), run: z.int().min(1) });
/** Far more than any retry policy allows; a pod that failed a job so often will not make it. */
const mostRuns = 20;

/**
 * Looks for what earlier calls left of a job: a run in the queue or a usable result. A run that failed is passed over,
 * so that its error is not taken for that of the next one.
 *
 * @returns with state `absent` the id the next run is to have.
 * @throws ProviderError when too many runs have failed, or what the pod's calls throw.
 */
export async function findRun(
  pod: Pod,
  job: { jobKey: string; outputNode: string; previous: DispatchState },
): Promise<FoundRun> {
  const recorded = recordedHandle(job.previous);
  // The history keeps a limited number of runs: the failed ones before the recorded run may be gone, it may not.
  for (let run = recorded?.run ?? 1; run <= mostRuns; run += 1) {
    const derivedId = promptIdOf(job.jobKey, run);
    const promptId = run === recorded?.run ? recorded.promptId : derivedId;
    const sighting = await pod.find(promptId);
    if (sighting.state === 'absent') return { promptId: derivedId, run, sighting };
    if (sighting.state !== 'finished' || hasResult(sighting.entry, job.outputNode)) {
      return { promptId, run, sighting };
    }
  }
  throw new ProviderError('the pod failed this job again and again', {
    provider: 'comfyui',
    failureClass: 'outage',
    code: 'too_many_failed_runs',
    certainty: 'not_sent',
  });
}

/** The run an earlier call most likely left behind, told without asking the pod; `undefined` when there was no submit. */
export function earlierRun(jobKey: string, previous: DispatchState): string | undefined {
  if (previous.phase === 'none') return undefined;
  return recordedHandle(previous)?.promptId ?? promptIdOf(jobKey, 1);
}

function recordedHandle(previous: DispatchState): RunHandle | undefined {
  if (previous.phase !== 'accepted') return undefined;
  const parsed = handleSchema.safeParse(previous.handle);
  return parsed.success ? parsed.data : undefined;
}
