import { condition, patched, workflowInfo } from '@temporalio/workflow';
import { visitCandidate } from './candidate-visit';
import { failSlot, isOver, remainingSeconds, type SlotContext } from './slot-context';
import { stopOpenJobs } from './stop-open-jobs';

/**
 * Waits for a person's word on a submit that was lost, or on an accepted job that cannot be had; the latter is looked for
 * meanwhile, and once more before it is given up. Returns whether the slot may submit again.
 */
export async function isToGoOn(context: SlotContext): Promise<boolean> {
  const { run, slot } = context;
  await untilAnswered(context);
  if (isOver(context)) return false;
  if (slot.decision === undefined) return true;
  const { answer, provider } = slot.decision;
  if (answer === undefined && run.isResting) return false;
  if (hasOpenJobs(context)) await look(context);
  if (isOver(context)) return false;
  if (answer === 'resubmit') {
    delete slot.decision;
    await letGo(context);
    return true;
  }
  const why = answer === 'give_up' ? 'The slot was given up' : 'Nobody decided before the deadline';
  const message = `${why}: the picture of a submit to ${provider} was lost, and it may have been paid.`;
  failSlot(context, { code: 'outcome_unknown', message, provider });
  return false;
}

async function untilAnswered(context: SlotContext): Promise<void> {
  const { run, slot } = context;
  const isDue = (): boolean => slot.decision?.answer !== undefined || run.isResting;
  for (;;) {
    const looks = hasOpenJobs(context);
    const lookSeconds = looks ? run.plan.parking.maximumSeconds : Infinity;
    const seconds = Math.min(lookSeconds, remainingSeconds(context));
    if (await condition(isDue, Math.max(1, seconds * 1000))) return;
    if (!looks || remainingSeconds(context) <= 0) return;
    await look(context);
    if (isOver(context) || slot.decision === undefined) return;
    run.isResting ||= workflowInfo().continueAsNewSuggested;
  }
}

function hasOpenJobs({ jobs }: SlotContext): boolean {
  if (jobs.abandoned().length === 0) return false;
  return patched('hold-asks-for-a-job-that-cannot-be-had') ? true : false;
}

/** One call for each open job. The question stands unless it has been settled: by a picture, or by a word on the job that is certain. */
async function look(context: SlotContext): Promise<void> {
  const { run, slot, jobs } = context;
  const question = slot.decision;
  for (const candidate of jobs.abandoned()) {
    await visitCandidate(context, candidate, { isLook: true });
    if (isOver(context)) return;
  }
  const isSettled = jobs.abandoned().length === 0 && slot.decision === question;
  if (isSettled && question?.answer === undefined) delete slot.decision;
  if (slot.decision !== undefined) slot.status = 'needs_decision';
  run.changed();
}

/** Another job is wanted in place of those that cannot be had: they are stopped, and their price stays at risk. */
async function letGo(context: SlotContext): Promise<void> {
  const { jobs } = context;
  const abandoned = jobs.abandoned();
  await stopOpenJobs(context, abandoned);
  for (const candidate of abandoned) jobs.writeOff(candidate);
}
