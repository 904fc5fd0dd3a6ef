import { isCancellation } from '@temporalio/workflow';
import type { PlannedCandidate } from '../../domain/plan';
import { isToGoOn } from './await-decision';
import { begin, mayPay, visitCandidate } from './candidate-visit';
import { cleanUp } from './clean-up';
import { isOnHold } from './doubt';
import { leaveWatches } from '../leave-watches';
import { isSpoiled, pictureProblem } from './refill';
import {
  cancelSlot,
  completeSlot,
  describeEnd,
  failSlot,
  fitsItsPictures,
  fitsTheSet,
  isOver,
  remainingSeconds,
  type SlotContext,
} from './slot-context';

/**
 * Brings one slot to its end: the candidates in order, and while every provider is out, a durable wait and the whole
 * chain again until the job's deadline. Never throws for a provider's failure, so a slot cannot fail its set. Returns
 * with an unfinished slot only while the run rests.
 */
export async function runSlot(context: SlotContext): Promise<void> {
  try {
    await walk(context);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    cancelSlot(context);
  }
  if (!isOver(context)) return;
  cleanUp(context);
  leaveWatches(context.run);
}

async function walk(context: SlotContext): Promise<void> {
  const { run, slot, waiting } = context;
  if (reuseStored(context)) return;
  waiting.resume();
  while (!isOver(context)) {
    await waiting.untilDue();
    if (run.isResting) return;
    if (slot.decision !== undefined && !(await isToGoOn(context))) return;
    await tryCandidates(context);
    run.urged.delete(slot.slot);
    waitOrGiveUp(context);
  }
}

/** A stored picture of the very same recipe costs nothing. */
function reuseStored(context: SlotContext): boolean {
  const { plan, slot } = context;
  const { reusable } = plan;
  const candidate = plan.candidates.find(({ modelId }) => modelId === reusable?.modelId);
  if (reusable === undefined || candidate === undefined) return false;
  if (pictureProblem(context, candidate, reusable.asset) !== undefined) return false;
  begin(context, candidate);
  slot.reused = true;
  slot.asset = reusable.asset;
  completeSlot(context);
  return true;
}

async function tryCandidates(context: SlotContext): Promise<void> {
  const { slot, progress, waiting, jobs } = context;
  progress.rounds += 1;
  waiting.beginRound();
  context.tooDear.clear();
  for (const candidate of inTurn(context)) {
    if (isOver(context) || slot.decision !== undefined || remainingSeconds(context) <= 0) return;
    if (!mayAsk(context, candidate)) continue;
    if (jobs.isOpenAt(candidate) || waiting.isWelcomeAt(candidate)) {
      await visitCandidate(context, candidate);
    }
  }
}

/** Set when every candidate left costs too much, and no job is open that is paid already and may still give its picture. */
function budgetRefusal(context: SlotContext): string | undefined {
  const { jobs, plan, tooDear } = context;
  if (jobs.open().length > 0) return undefined;
  const refusals = plan.candidates
    .filter((candidate) => fitsItsPictures(context, candidate) && !isSpoiled(context, candidate))
    .map(({ modelId }) => tooDear.get(modelId));
  return refusals.includes(undefined) ? undefined : refusals.at(0);
}

function mayAsk(context: SlotContext, candidate: PlannedCandidate): boolean {
  if (context.jobs.isOpenAt(candidate)) return true;
  return fitsTheSet(context, candidate) && !isSpoiled(context, candidate);
}

/** Whoever could still be asked made a picture of no use, and there is no refill left. */
function isAllSpoiled(context: SlotContext): boolean {
  const { jobs, plan } = context;
  const candidates = plan.candidates.filter((candidate) => fitsItsPictures(context, candidate));
  return (
    jobs.open().length === 0 &&
    candidates.length > 0 &&
    candidates.every((candidate) => isSpoiled(context, candidate))
  );
}

/** In later rounds whoever left the slot in doubt least often comes first. */
function inTurn(context: SlotContext): PlannedCandidate[] {
  const candidates = inOrder(context);
  const { rounds, doubts } = context.progress;
  if (rounds === 1 || doubts === undefined) return candidates;
  const doubtsAt = ({ provider }: PlannedCandidate): number => doubts[provider] ?? 0;
  const open = context.jobs.open().length;
  return [
    ...candidates.slice(0, open),
    ...candidates.slice(open).sort((one, other) => doubtsAt(one) - doubtsAt(other)),
  ];
}

/** Jobs that are open come first: another one would be paid on top. */
function inOrder({ jobs, plan }: SlotContext): PlannedCandidate[] {
  const open = jobs.open();
  return [...open, ...plan.candidates.filter((candidate) => !open.includes(candidate))];
}

/** The state in which an outage is waited for; the deadline ends it, and that nobody left may be paid. */
function waitOrGiveUp(context: SlotContext): void {
  if (isOver(context) || context.slot.decision !== undefined) return;
  if (isAllSpoiled(context)) {
    const message = 'No provider made a usable picture, and no refill is left.';
    failSlot(context, describeEnd(context, 'corrupt', message));
    return;
  }
  const refusal = budgetRefusal(context);
  if (refusal !== undefined) {
    failSlot(context, { code: 'budget_exceeded', message: refusal });
    return;
  }
  const mayPayMore = mayPay(context);
  const seconds = remainingSeconds(context);
  if (seconds > 0) {
    // What others have in flight may fail: only the engine of a picture that is there rules the rest out.
    const askable = inOrder(context).filter(
      (candidate) =>
        context.jobs.isOpenAt(candidate) ||
        (mayPayMore && fitsItsPictures(context, candidate) && !isSpoiled(context, candidate)),
    );
    context.waiting.begin(
      askable.map((candidate) => ({ candidate, isOpen: context.jobs.isOpenAt(candidate) })),
      Math.min(seconds, secondsUntilPayable(context)),
    );
    return;
  }
  const message = 'No provider could serve this before the deadline.';
  failSlot(context, describeEnd(context, 'deadline_exceeded', message));
}

/** Until the jobs that are open count as given up, so that another one may be paid. Infinite where that changes nothing. */
function secondsUntilPayable(context: SlotContext): number {
  if (isOnHold(context) || mayPay(context)) return Infinity;
  const seconds = context.jobs.open().map((candidate) => context.jobs.graceLeftSeconds(candidate));
  return Math.max(1, ...seconds);
}
