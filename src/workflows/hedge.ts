import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { PlannedCandidate } from '../domain/plan';
import { finalFailureClasses } from '../domain/taxonomy';
import type { CallOutcome, MadeCall } from './media-call';
import { withSeed } from './refill';
import { settle, startCall, type SlotCall } from './slot-call';
import { bookOpenJobs, fitsTheSet, isOver, landed, type SlotContext } from './slot-context';
import { refusesSpending } from './spend-guard';

/** The call that decides what becomes of the slot. */
export interface Decision {
  made: MadeCall;
  outcome: CallOutcome;
  /** Waits until the other call, where there is one, was stopped and paid off. */
  settleOther(): Promise<void>;
}

/**
 * Makes the call. Where the job allows it and the call takes longer than nearly all others at its endpoint did, another
 * provider is asked as well, once in a slot; whichever makes a picture first decides, and the other is told to stop.
 */
export async function raceCall(context: SlotContext, made: MadeCall): Promise<Decision> {
  const first = startCall(context, made);
  const second = mayHedge(context, made) ? await hedgeWhenSlow(context, first) : undefined;
  if (second === undefined) {
    const outcome = await first.outcome;
    settle(context, made, outcome);
    return { made, outcome, settleOther: () => Promise.resolve() };
  }
  return await decide(context, first, second);
}

function mayHedge({ run, progress }: SlotContext, { previous }: MadeCall): boolean {
  return run.plan.rules.hedge && progress.hasHedged !== true && previous.phase === 'none';
}

/** Returns the second call, or `undefined` when the first one was quick enough or nobody else may be asked. */
async function hedgeWhenSlow(context: SlotContext, first: SlotCall): Promise<SlotCall | undefined> {
  const { candidate } = first.made;
  if (!context.plan.candidates.some(({ provider }) => provider !== candidate.provider)) return undefined;
  let hasEnded = false as boolean;
  void first.outcome.then(() => (hasEnded = true));
  // A cancelled run cancels the first call, which then ends: its own account is what counts.
  await CancellationScope.nonCancellable(() =>
    condition(() => hasEnded, Math.ceil(candidate.slowAfterSeconds * 1000)),
  );
  const rival = hasEnded ? undefined : rivalOf(context, candidate);
  if (rival === undefined || !(await isAffordable(context, rival))) return undefined;
  if (hasEnded) {
    landed(context, rival);
    return undefined;
  }
  return startRival(context, rival);
}

function rivalOf(context: SlotContext, { provider }: PlannedCandidate): PlannedCandidate | undefined {
  const { plan, slot, jobs, waiting } = context;
  return plan.candidates
    .filter((other) => other.provider !== provider && !jobs.isOpenAt(other))
    .filter((other) => waiting.isWelcomeAt(other.provider) && fitsTheSet(context, other))
    .map((other) => withSeed(other, slot.seed))
    .at(0);
}

/** A second call is a favour: where it may not be paid, the slot goes on without it. */
async function isAffordable(context: SlotContext, rival: PlannedCandidate): Promise<boolean> {
  try {
    return (await refusesSpending(context.run, context.slot.slot, rival)) === undefined;
  } catch (error) {
    if (!isCancellation(error)) throw error;
    landed(context, rival);
    return false;
  }
}

function startRival(context: SlotContext, candidate: PlannedCandidate): SlotCall {
  const { run, slot, progress } = context;
  const { provider, endpoint } = candidate;
  const since = new Date().toISOString();
  progress.hasHedged = true;
  slot.racing = { provider, endpoint, since };
  run.changed();
  run.announce();
  return startCall(context, { candidate, previous: { phase: 'none' }, startedAt: since });
}

async function decide(context: SlotContext, first: SlotCall, second: SlotCall): Promise<Decision> {
  const { slot } = context;
  const calls = [first, second];
  const earlier = await Promise.race(
    calls.map(async (call): Promise<EndedCall> => ({ call, outcome: await call.outcome })),
  );
  const other = earlier.call === first ? second : first;
  if (isDecisive(earlier.outcome)) {
    settle(context, earlier.call.made, earlier.outcome);
    other.scope.cancel();
    // The picture is shown at once; the slot ends when the other call is paid off.
    return decisionOf(earlier, () => settleOvertaken(context, other));
  }
  const later: EndedCall = { call: other, outcome: await other.outcome };
  for (const { call, outcome } of [earlier, later]) settle(context, call.made, outcome);
  delete slot.racing;
  const decisive = isDecisive(later.outcome) || later.call === first ? later : earlier;
  noteFailureOf(context, decisive === later ? earlier : later);
  return decisionOf(decisive, () => Promise.resolve());
}

interface EndedCall {
  call: SlotCall;
  outcome: CallOutcome;
}

function decisionOf({ call, outcome }: EndedCall, settleOther: Decision['settleOther']): Decision {
  return { made: call.made, outcome, settleOther };
}

/** A picture, or a refusal that no other provider may get around. */
function isDecisive(outcome: CallOutcome): boolean {
  if (outcome.kind === 'failed') return finalFailureClasses.includes(outcome.failure.failureClass);
  return outcome.kind === 'succeeded';
}

function noteFailureOf({ waiting }: SlotContext, { call, outcome }: EndedCall): void {
  if (outcome.kind === 'failed') waiting.noteFailure(call.made.candidate.provider, outcome.failure);
}

async function settleOvertaken(context: SlotContext, call: SlotCall): Promise<void> {
  const outcome = await call.outcome;
  settle(context, call.made, overtaken(outcome));
  // A worker that was lost meanwhile may have left a job behind that nobody will ask for again.
  if (isOver(context)) bookOpenJobs(context);
  delete context.slot.racing;
  context.run.changed();
}

/** Its picture, where it made one after all, is of no use; its price stays. */
function overtaken(outcome: CallOutcome): CallOutcome {
  const message = 'Stopped: another provider was faster.';
  const trail = outcome.trail.map((record) =>
    record.outcome === 'failed' ? record : { ...record, outcome: 'cancelled' as const, message },
  );
  return { ...outcome, trail };
}
