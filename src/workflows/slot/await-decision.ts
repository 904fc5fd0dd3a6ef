import { condition, workflowInfo } from '@temporalio/workflow';
import type { DecisionNeeded } from '../../domain/generation';
import type { PlannedCandidate } from '../../domain/plan';
import { visitCandidate } from './candidate-visit';
import { ask } from './doubt';
import { cleanUp } from './clean-up';
import { failSlot, isOver, remainingSeconds, type SlotContext } from './slot-context';

/**
 * Waits for a person's word on a submit that was lost, or on an accepted job that cannot be had; the latter is looked for
 * meanwhile, and once more before it is given up. Returns whether the slot may submit again.
 */
export async function isToGoOn(context: SlotContext): Promise<boolean> {
  const { run, slot } = context;
  const hasLooked = await untilAnswered(context);
  if (isOver(context)) return false;
  if (slot.decision === undefined) return true;
  if (slot.decision.answer === undefined && run.isResting) return false;
  const looks = looksForJobs(context);
  if (looks && !hasLooked) await look(context);
  if (isOver(context)) return false;
  // The look may have settled it.
  const decision = slot.decision as DecisionNeeded | undefined;
  if (decision === undefined) return true;
  const { answer, provider } = decision;
  if (answer === 'resubmit') {
    delete slot.decision;
    if (looks) letGo(context);
    return true;
  }
  const why = answer === 'give_up' ? 'The slot was given up' : 'Nobody decided before the deadline';
  const message = `${why}: the picture of a submit to ${provider} was lost, and it may have been paid.`;
  failSlot(context, { code: 'outcome_unknown', message, provider });
  return false;
}

/** Returns whether the open jobs were looked for after the answer came, or after the deadline. */
async function untilAnswered(context: SlotContext): Promise<boolean> {
  const { run, slot } = context;
  const isDue = (): boolean => slot.decision?.answer !== undefined || run.isResting;
  for (;;) {
    const looks = looksForJobs(context);
    const lookSeconds = looks ? run.plan.parking.maximumSeconds : Infinity;
    const seconds = Math.min(lookSeconds, remainingSeconds(context));
    if (await condition(isDue, Math.max(1, seconds * 1000))) return false;
    if (!looks || remainingSeconds(context) <= 0) return false;
    await look(context);
    if (isOver(context) || slot.decision === undefined || isDue()) return true;
    run.isResting ||= workflowInfo().continueAsNewSuggested;
  }
}

function looksForJobs({ jobs }: SlotContext): boolean {
  return jobs.open().length > 0;
}

/**
 * One call for each open job. The question stands unless it has been settled: by a picture, or by a word on its job that is
 * certain. Then it is about the next job that is open.
 */
async function look(context: SlotContext): Promise<void> {
  const { slot, jobs } = context;
  const question = slot.decision;
  const looked = jobs.open();
  for (const candidate of looked) {
    await visitCandidate(context, candidate, { isLook: true });
    if (isOver(context)) return;
  }
  const isAskedAbout = ({ endpoint }: PlannedCandidate): boolean => endpoint === question?.endpoint;
  if (slot.decision !== question || question?.answer !== undefined) return;
  if (!looked.some(isAskedAbout) || jobs.open().some(isAskedAbout)) return;
  const [other] = jobs.open();
  if (other === undefined) settle(context);
  else ask(context, other);
}

function settle({ run, slot }: SlotContext): void {
  delete slot.decision;
  slot.status = 'running';
  run.changed();
  run.save();
}

/** Another job is wanted in place of those that cannot be had. */
function letGo(context: SlotContext): void {
  cleanUp(context, context.jobs.abandoned());
}
