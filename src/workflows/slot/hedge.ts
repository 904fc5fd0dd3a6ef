import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { PlannedCandidate } from '../../domain/plan';
import { failureOf } from '../../domain/failures';
import { finalFailureClasses } from '../../domain/taxonomy';
import { overtakenCode, type AttemptRecord } from '../../domain/attempt-record';
import { maySpend, type CallOutcome, type MadeCall } from './media-call';
import { mustAsk } from './doubt';
import { isSpoiled, pictureProblem, withSeed } from './refill';
import { cleanUp } from './clean-up';
import { settle, startCall, type SlotCall } from './slot-call';
import { fitsTheSet, isOver, landed, type SlotContext } from './slot-context';
import { askToSpend } from '../generation/spend-guard';

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

/** A set that must not mix engines has no use for a second one, and what is paid beside an open job is a second one already. */
function mayHedge({ run, progress, jobs }: SlotContext, { previous }: MadeCall): boolean {
  const { hedge, coherence } = run.plan.rules;
  const isHeldToOne = coherence === 'required' && run.plan.slots.length > 1;
  return (
    hedge &&
    !isHeldToOne &&
    progress.hasHedged !== true &&
    previous.phase === 'none' &&
    jobs.open().length === 0
  );
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
  if (rival === undefined) return undefined;
  const asking = new CancellationScope();
  const asked = asking.run(() => isAffordable(context, rival));
  // The first call's picture, or its failure, waits for no limit that cannot be read just now.
  await Promise.race([asked, first.outcome]);
  if (hasEnded) asking.cancel();
  if (!(await asked)) return undefined;
  if (!hasEnded) return startRival(context, rival);
  landed(context, rival);
  return undefined;
}

function rivalOf(context: SlotContext, { provider }: PlannedCandidate): PlannedCandidate | undefined {
  const { plan, slot, jobs, waiting } = context;
  return plan.candidates
    .filter((other) => other.provider !== provider && !jobs.isOpenAt(other))
    .filter((other) => waiting.isWelcomeAt(other) && fitsTheSet(context, other))
    .filter((other) => !isSpoiled(context, other))
    .map((other) => withSeed(other, slot.seed))
    .at(0);
}

/** A second call is a favour: where it may not be paid, the slot goes on without it. */
async function isAffordable(context: SlotContext, rival: PlannedCandidate): Promise<boolean> {
  try {
    return (await askToSpend(context.run, context.slot.slot, rival)).granted;
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
  const jobKey = context.jobs.keyAt(candidate);
  return startCall(context, { candidate, jobKey, previous: { phase: 'none' }, startedAt: since });
}

async function decide(context: SlotContext, first: SlotCall, second: SlotCall): Promise<Decision> {
  const calls = [first, second];
  const earlier = await Promise.race(
    calls.map(async (call): Promise<EndedCall> => ({ call, outcome: await call.outcome })),
  );
  const other = earlier.call === first ? second : first;
  if (isDecisive(context, earlier)) {
    settle(context, earlier.call.made, earlier.outcome);
    other.scope.cancel();
    // The picture is shown at once; the slot ends when the other call is paid off.
    return decisionOf(earlier, () => settleOvertaken(context, other));
  }
  // Who is shown as racing must be.
  if (earlier.call === second) endRace(context);
  const later: EndedCall = { call: other, outcome: await other.outcome };
  return decideBetween(context, earlier.call === first ? [earlier, later] : [later, earlier]);
}

/** Both have ended. A doubt that a person must settle weighs more than what became of the first call. */
function decideBetween(context: SlotContext, [first, second]: [EndedCall, EndedCall]): Decision {
  const both = [first, second];
  const decisive =
    both.find((ended) => isDecisive(context, ended)) ??
    both.find(({ outcome }) => outcome.kind === 'succeeded') ??
    both.find(({ outcome }) => outcome.kind === 'failed' && mustAsk(context, outcome.failure)) ??
    first;
  const rest = decisive === first ? second : first;
  noteFailureOf(context, rest);
  const isWon = decisive.outcome.kind === 'succeeded';
  const inTurn = isWon ? [{ ...rest, outcome: ofNoUse(rest.outcome) }, decisive] : both;
  for (const { call, outcome } of inTurn) settle(context, call.made, outcome);
  // A second call that sent nothing leaves room for another one.
  if (!maySpend(second.outcome)) delete context.progress.hasHedged;
  endRace(context);
  return decisionOf(decisive, () => Promise.resolve());
}

interface EndedCall {
  call: SlotCall;
  outcome: CallOutcome;
}

function decisionOf({ call, outcome }: EndedCall, settleOther: Decision['settleOther']): Decision {
  return { made: call.made, outcome, settleOther };
}

/** A picture the set has a use for, or a refusal that no other provider may get around. */
function isDecisive(context: SlotContext, { call, outcome }: EndedCall): boolean {
  if (outcome.kind === 'failed') return finalFailureClasses.includes(failureOf(outcome.failure.code).class);
  if (outcome.kind === 'cancelled') return false;
  return pictureProblem(context, call.made.candidate, outcome.result.asset) === undefined;
}

function noteFailureOf({ waiting }: SlotContext, { call, outcome }: EndedCall): void {
  if (outcome.kind === 'failed') waiting.noteFailure(call.made.candidate, outcome.failure);
}

async function settleOvertaken(context: SlotContext, call: SlotCall): Promise<void> {
  settle(context, call.made, ofNoUse(await call.outcome));
  // A worker that was lost meanwhile may have left a job behind that nobody will ask for again.
  if (isOver(context)) cleanUp(context);
  endRace(context);
}

function endRace({ run, slot }: SlotContext): void {
  delete slot.racing;
  run.changed();
}

/** Its picture, where it made one after all, is of no use; its price stays. */
function ofNoUse(outcome: CallOutcome): CallOutcome {
  const message = 'Stopped: another provider was faster.';
  const trail = outcome.trail.map((record): AttemptRecord =>
    record.outcome === 'failed'
      ? record
      : { ...record, outcome: 'cancelled', errorCode: overtakenCode, message },
  );
  return { ...outcome, trail };
}
