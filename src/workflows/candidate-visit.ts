import { patched, sleep } from '@temporalio/workflow';
import type { GenerateMediaFailure, GenerateMediaResult } from '../domain/dispatch';
import type { SlotState } from '../domain/generation';
import type { PlannedCandidate } from '../domain/plan';
import { recipeOf } from './generation-run';
import { ask, isOnHold, mustAsk, mustAskForJob } from './doubt';
import { raceCall } from './hedge';
import { judge, type Verdict, type Visit } from './judge';
import { maySpend, type CallOutcome, type MadeCall } from './media-call';
import { afterBadAnswer, mayRefill, pictureProblem, refill, withSeed } from './refill';
import {
  bookOpenJobs,
  cancelSlot,
  completeSlot,
  describeEnd,
  failSlot,
  fitsTheSet,
  landed,
  remainingSeconds,
  type SlotContext,
} from './slot-context';
import { discardLatest, isFree, perhapsPaidAttempts, wastedAttempts } from './slot-trail';
import { askToSpend } from './spend-guard';

/** Submits that a slot may make while nobody knows of an earlier one, under `unknownOutcome: resubmit`. */
const mostResubmits = 1;

/** Whether one more job may be paid beside one that may have been: never with `hold`, once with `resubmit`. */
function mayResubmit({ run, progress }: SlotContext): boolean {
  return run.plan.rules.unknownOutcome === 'resubmit' && progress.resubmits < mostResubmits;
}

/** Whether another job may be paid now: beside an accepted one only when that was asked for in vain for long. */
export function mayPay(context: SlotContext): boolean {
  const open = context.jobs.open();
  if (open.length === 0) return !hasLostTooMany(context);
  return mayResubmit(context) && open.every((one) => context.jobs.isGivenUp(one));
}

function hasLostTooMany({ progress }: SlotContext): boolean {
  return progress.resubmits > mostResubmits;
}

/** Calls one candidate until the slot has ended, a person must decide, or it is the next one's turn. */
export async function visitCandidate(
  context: SlotContext,
  planned: PlannedCandidate,
  how: Pick<Visit, 'isLook'> = {},
): Promise<void> {
  const visit: Visit = { policy: planned.policy, round: context.progress.rounds, failures: [], ...how };
  for (;;) {
    const previous = context.jobs.dispatchAt(planned);
    const candidate = withSeed(planned, seedOf(context, planned));
    if (previous.phase === 'none' && !(await admits(context, candidate))) return;
    const verdict = await call(context, { candidate, previous, startedAt: begin(context, candidate) }, visit);
    if (visit.isLook === true) return;
    const afterSeconds = verdict !== undefined && 'afterSeconds' in verdict ? verdict.afterSeconds : 0;
    if (afterSeconds > 0) await sleep(afterSeconds * 1000);
    if (verdict?.kind !== 'again' || remainingSeconds(context) <= 0) return;
  }
}

/** A job that is open was submitted with the seed the slot had then. */
function seedOf({ slot, progress, jobs }: SlotContext, candidate: PlannedCandidate): number {
  return (jobs.isOpenAt(candidate) ? progress.seeds?.[candidate.modelId] : undefined) ?? slot.seed;
}

/** Shows who is asked now. Returns the time. */
export function begin({ run, slot }: SlotContext, candidate: PlannedCandidate): string {
  const startedAt = new Date().toISOString();
  const isNew = slot.provider !== candidate.provider;
  // A look at an open job does not take back the question about it.
  if (slot.decision === undefined) slot.status = 'running';
  showAt(slot, candidate);
  slot.startedAt ??= startedAt;
  run.changed();
  if (isNew) run.announce();
  return startedAt;
}

function showAt(slot: SlotState, { provider, endpoint, identity }: PlannedCandidate): void {
  Object.assign(slot, { provider, endpoint, identity });
}

/** The last look before money may flow. */
async function admits(context: SlotContext, candidate: PlannedCandidate): Promise<boolean> {
  const { run, slot, jobs } = context;
  const isBesideOpenJob = jobs.open().length > 0;
  // The set may have chosen its engine since the last call.
  if (!mayPay(context) || !fitsTheSet(context, candidate)) return false;
  const { granted, reason } = await askToSpend(run, slot.slot, candidate);
  if (!granted) {
    if (reason !== undefined) context.tooDear.set(candidate.modelId, reason);
    return false;
  }
  if (isBesideOpenJob) bookOpenJobs(context);
  return true;
}

async function call(context: SlotContext, made: MadeCall, visit: Visit): Promise<Verdict | undefined> {
  const isBesideOpenJob = made.previous.phase === 'none' && context.jobs.open().length > 0;
  const decision = await raceCall(context, made);
  if (isBesideOpenJob && maySpend(decision.outcome)) context.progress.resubmits += 1;
  const verdict = conclude(context, decision.outcome, { made: decision.made, visit });
  await decision.settleOther();
  return verdict;
}

/** What follows from a call; `undefined` when the visit is over. */
function conclude(
  context: SlotContext,
  outcome: CallOutcome,
  { made, visit }: { made: MadeCall; visit: Visit },
): Verdict | undefined {
  const { candidate, previous } = made;
  if (outcome.kind === 'cancelled') {
    cancelSlot(context);
    return undefined;
  }
  if (outcome.kind === 'succeeded') return accept(context, candidate, outcome.result);
  const { failure } = outcome;
  visit.failures.push(failure);
  context.waiting.noteFailure(candidate, failure);
  const verdict = judge(failure, previous, visit);
  if (verdict.kind === 'unknown') return lose(context, candidate, visit);
  if (verdict.kind === 'abandon') context.jobs.abandon(candidate);
  if (isQuestion(context, failure, verdict)) {
    ask(context, candidate);
    return undefined;
  }
  if (verdict.kind === 'fail') {
    failSlot(context, { code: failure.failureClass, message: failure.message, provider: candidate.provider });
    return undefined;
  }
  if (isTooWasteful(context, failure)) return undefined;
  if (isInDoubt(failure)) {
    noteDoubt(context, candidate, visit);
    if (verdict.kind === 'again') return leave(context, candidate, visit, verdict);
  }
  return afterBadAnswer(context, candidate, { failure, verdict });
}

function isQuestion(context: SlotContext, failure: GenerateMediaFailure, verdict: Verdict): boolean {
  if (mustAsk(context, failure)) return true;
  if (!mustAskForJob(context, verdict)) return false;
  bookOpenJobs(context);
  return true;
}

/** Something between us and the provider answered: the job may have been taken, and paid, all the same. */
function isInDoubt({ certainty, dispatch }: GenerateMediaFailure): boolean {
  return certainty === 'unknown' && dispatch.phase === 'none';
}

/** Another try at once may be paid as well: the next provider gets it, a moment later, and this one not before the next round. */
function leave(
  { waiting }: SlotContext,
  { provider }: PlannedCandidate,
  { policy }: Visit,
  before: Verdict,
): Verdict {
  if (!patched('resend-elsewhere-after-a-lost-connection')) return before;
  waiting.avoid(provider);
  return { kind: 'next', afterSeconds: policy.retry.initialSeconds };
}

/** After the first round one submit in doubt is enough for a round: the next provider's turn is the next one. */
function noteDoubt(context: SlotContext, { provider }: PlannedCandidate, { round }: Visit): void {
  const { waiting, plan } = context;
  if (!patched('one-doubtful-submit-per-round')) return;
  waiting.noteDoubt(provider, remainingSeconds(context));
  if (round > 1) for (const other of plan.candidates) waiting.avoid(other.provider);
}

/** Keeps the picture, unless the set has no use for it. */
function accept(
  context: SlotContext,
  candidate: PlannedCandidate,
  result: GenerateMediaResult,
): Verdict | undefined {
  const { run, slot } = context;
  showAt(slot, candidate);
  slot.seed = context.progress.seeds?.[candidate.modelId] ?? slot.seed;
  const problem = pictureProblem(context, candidate, result.asset);
  if (problem === undefined) {
    slot.asset = result.asset;
    run.unsaved.push({ asset: result.asset, recipe: recipeOf(run, slot, candidate, result) });
    completeSlot(context);
    return undefined;
  }
  discardLatest(slot, problem);
  if (isTooWasteful(context) || problem.code === 'incoherent') return undefined;
  if (mayRefill(context)) return refill(context);
  failSlot(context, { code: 'duplicate', message: problem.message, provider: candidate.provider });
  return undefined;
}

/** @param failure of the call that just ended; left out where it made a picture */
function isTooWasteful(context: SlotContext, failure?: GenerateMediaFailure): boolean {
  const { slot, run } = context;
  const most = run.plan.maxPaidAttempts;
  if (wastedAttempts(slot) >= most)
    return endAsWasteful(context, 'Too many paid attempts gave no usable picture.');
  return failure !== undefined && isFreeOrOpen(failure) ? false : hasTooManyDoubts(context);
}

/** What sent nothing or cost nothing adds no doubt, and an open job may still give its picture. */
function isFreeOrOpen({ certainty, dispatch, trail }: GenerateMediaFailure): boolean {
  const latest = trail.at(-1);
  return certainty === 'not_sent' || dispatch.phase !== 'none' || (latest !== undefined && isFree(latest));
}

function hasTooManyDoubts(context: SlotContext): boolean {
  const most = context.run.plan.maxPaidAttempts;
  if (perhapsPaidAttempts(context.slot) < most) return false;
  const message = `${String(most)} submits gave no usable picture, and each was paid or may have been.`;
  return patched('doubts-count-as-paid-attempts') ? endAsWasteful(context, message) : false;
}

function endAsWasteful(context: SlotContext, message: string): true {
  failSlot(context, describeEnd(context, 'paid_attempt_limit', message));
  return true;
}

/** A submit nobody can find out about: paid for once more, put before a person, or the end of the slot. */
function lose(context: SlotContext, candidate: PlannedCandidate, visit: Visit): Verdict | undefined {
  const { progress, jobs } = context;
  jobs.writeOff(candidate);
  landed(context, candidate);
  if (isOnHold(context)) {
    ask(context, candidate);
    return undefined;
  }
  progress.resubmits += 1;
  // A race had two submits under way: the other one may still give its picture.
  if (jobs.open().length > 0) return { kind: 'next' };
  if (hasTooManyDoubts(context)) return undefined;
  if (hasLostTooMany(context)) {
    failAsLost(context);
    return undefined;
  }
  const again: Verdict = { kind: 'again', afterSeconds: 0 };
  const wasSilent = visit.failures.some(({ code }) => code === 'deadline_exceeded');
  if (!wasSilent && !wasLostOnTheWay(visit)) return again;
  // Who lost one submit may lose another at once, and there is no third time.
  return leave(context, candidate, visit, wasSilent ? { kind: 'next' } : again);
}

/** Ours: the worker of the call went, or it failed before it could tell. */
const ownLosses: readonly string[] = ['outcome_unknown', 'activity_timed_out', 'internal_error'];

function wasLostOnTheWay({ failures }: Visit): boolean {
  return failures.some(({ code, certainty }) => certainty === 'unknown' && !ownLosses.includes(code));
}

/** The end of a slot that lost one submit more than may be made up for. */
export function failAsLost(context: SlotContext): void {
  const lost = context.slot.attempts.findLast(({ errorCode }) => errorCode === 'outcome_unknown');
  const message =
    'A second submit was lost: nobody knows whether it was paid. Nothing more is sent by itself.';
  failSlot(context, { code: 'outcome_unknown', message, provider: lost?.provider });
}
