import { CancellationScope, log } from '@temporalio/workflow';
import type { PlannedCandidate } from '../domain/plan';
import { stopJob } from './activity-options';
import type { SlotContext } from './slot-context';

/**
 * The slot has ended, and jobs of it may still run at providers: tells those to stop, and settles what they say of the
 * bill. Also while the run is being cancelled. Modal has no way to stop a job.
 */
export async function stopOpenJobs(context: SlotContext): Promise<void> {
  const open = context.jobs.open().filter(({ provider }) => provider !== 'modal');
  await CancellationScope.nonCancellable(() =>
    Promise.all(open.map((candidate) => stop(context, candidate))),
  );
}

async function stop({ run, jobs }: SlotContext, candidate: PlannedCandidate): Promise<void> {
  const dispatch = jobs.dispatchAt(candidate);
  if (dispatch.phase !== 'accepted') return;
  const { provider } = candidate;
  try {
    const { charge } = await stopJob({ provider, handle: dispatch.handle });
    jobs.settleStopped(candidate, charge);
    run.changed();
  } catch (error) {
    log.warn('a job that nobody waits for could not be stopped', { provider, error });
  }
}
