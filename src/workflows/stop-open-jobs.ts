import { CancellationScope, log } from '@temporalio/workflow';
import type { PlannedCandidate } from '../domain/plan';
import { stopJob } from './activity-options';
import type { SlotContext } from './slot-context';

/**
 * The slot has ended, and jobs of it may still run at providers: tells those to stop, and settles what they say of the
 * bill. Also while the run is being cancelled.
 */
export async function stopOpenJobs(context: SlotContext, jobs = context.jobs.open()): Promise<void> {
  const open = jobs.filter((candidate) => canBeStopped(context, candidate));
  await CancellationScope.nonCancellable(() =>
    Promise.all(open.map((candidate) => stop(context, candidate))),
  );
}

/** Modal stops nothing, and of a mere intent only the pod can be told, which knows a job by our own id. */
function canBeStopped({ jobs }: SlotContext, candidate: PlannedCandidate): boolean {
  if (candidate.provider === 'comfyui') return true;
  return candidate.provider === 'fal' && jobs.dispatchAt(candidate).phase === 'accepted';
}

async function stop({ run, jobs }: SlotContext, candidate: PlannedCandidate): Promise<void> {
  const dispatch = jobs.dispatchAt(candidate);
  const { provider } = candidate;
  try {
    const { charge } = await stopJob({ provider, jobKey: jobs.keyAt(candidate), dispatch });
    jobs.settleStopped(candidate, charge);
    run.changed();
  } catch (error) {
    log.warn('a job that nobody waits for could not be stopped', { provider, error });
  }
}
