import type { GenerateMediaFailure, GenerateMediaResult } from '../../domain/dispatch';
import { failureOf } from '../../domain/failures';
import type { SlotState } from '../../domain/generation';
import type { PlannedCandidate } from '../../domain/plan';
import { recipeOf } from '../generation/generation-run';
import { ask, isOnHold, mustAsk, mustAskForJob } from './doubt';
import { raceCall } from './hedge';
import { isOwnLoss, judge, type Verdict, type Visit } from './judge';
import type { CallOutcome, MadeCall } from './media-call';
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
import { askToSpend } from '../generation/spend-guard';

/** Whether another job may be paid now: beside an open one only when that was asked for in vain for long, and never on hold. */
export function mayPay(context: SlotContext): boolean {
  const open = context.jobs.open();
  if (open.length === 0) return true;
  return !isOnHold(context) && open.every((one) => context.jobs.isGivenUp(one));
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
    const { jobs } = context;
    const [jobKey, worker] = [jobs.keyAt(planned), jobs.workerAt(planned)];
    const startedAt = begin(context, candidate);
    const verdict = await call(context, { candidate, jobKey, previous, worker, startedAt }, visit);
    if (visit.isLook === true) return;
    const afterSeconds = verdict !== undefined && 'afterSeconds' in verdict ? (verdict.afterSeconds ?? 0) : 0;
    if (afterSeconds > 0) await context.waiting.pause(afterSeconds);
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
  const decision = await raceCall(context, made);
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
  noteContact(context, candidate, failure);
  const graceLeftSeconds = context.jobs.graceLeftSeconds(candidate);
  const verdict = judge(failure, { previous, graceLeftSeconds }, visit);
  if (verdict.kind === 'unknown') return lose(context, candidate);
  if (verdict.kind === 'abandon') context.jobs.abandon(candidate);
  if (isQuestion(context, failure, verdict)) {
    ask(context, candidate);
    return undefined;
  }
  if (verdict.kind === 'fail') {
    failSlot(context, {
      code: failureOf(failure.code).class,
      message: failure.message,
      provider: candidate.provider,
    });
    return undefined;
  }
  if (isTooWasteful(context, failure)) return undefined;
  if (isInDoubt(failure)) {
    noteDoubt(context, candidate, visit);
    if (verdict.kind === 'again') return leave(context, candidate, visit);
  }
  return afterBadAnswer(context, candidate, { failure, verdict });
}

/** Calls of this length had the provider's ear: an outage that ends one has only begun. */
const longCallSeconds = 60;

/** Keeps the time for which an open job has been asked for in vain. */
function noteContact(
  { jobs }: SlotContext,
  candidate: PlannedCandidate,
  failure: GenerateMediaFailure,
): void {
  const { code, trail } = failure;
  if (!jobs.isOpenAt(candidate) || isOwnLoss(failure)) return;
  if (code === 'not_found_yet' || (trail.at(-1)?.seconds ?? 0) > longCallSeconds) jobs.heardOf(candidate);
  if (code !== 'not_found_yet') jobs.askedInVain(candidate);
}

function isQuestion(context: SlotContext, failure: GenerateMediaFailure, verdict: Verdict): boolean {
  if (mustAsk(context, failure)) return true;
  if (!mustAskForJob(context, failure, verdict)) return false;
  bookOpenJobs(context);
  return true;
}

/** Something between us and the provider answered: the job may have been taken, and paid, all the same. */
function isInDoubt({ outcome, dispatch }: GenerateMediaFailure): boolean {
  return outcome === 'nobody_knows' && dispatch.phase === 'none';
}

/** Another try at once may be paid as well: the next provider gets it, a moment later, and this one not before the next round. */
function leave({ waiting }: SlotContext, { provider }: PlannedCandidate, { policy }: Visit): Verdict {
  waiting.avoid(provider);
  return { kind: 'next', afterSeconds: policy.retry.initialSeconds };
}

/** After the first round one submit in doubt is enough for a round: the next provider's turn is the next one. */
function noteDoubt(context: SlotContext, { provider }: PlannedCandidate, { round }: Visit): void {
  const { waiting, plan } = context;
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
function isFreeOrOpen({ outcome, dispatch, trail }: GenerateMediaFailure): boolean {
  const latest = trail.at(-1);
  return outcome === 'nothing_sent' || dispatch.phase !== 'none' || (latest !== undefined && isFree(latest));
}

function hasTooManyDoubts(context: SlotContext): boolean {
  const most = context.run.plan.maxPaidAttempts;
  if (perhapsPaidAttempts(context.slot) < most) return false;
  const message = `${String(most)} submits gave no usable picture, and each was paid or may have been.`;
  return endAsWasteful(context, message);
}

function endAsWasteful(context: SlotContext, message: string): true {
  failSlot(context, describeEnd(context, 'paid_attempt_limit', message));
  return true;
}

/** A submit nobody can find out about: paid for once more, or put before a person. */
function lose(context: SlotContext, candidate: PlannedCandidate): Verdict | undefined {
  const { jobs } = context;
  jobs.writeOff(candidate);
  landed(context, candidate);
  if (isOnHold(context)) {
    ask(context, candidate);
    return undefined;
  }
  // A race had two submits under way: the other one may still give its picture.
  if (jobs.open().length > 0) return { kind: 'next' };
  return hasTooManyDoubts(context) ? undefined : { kind: 'again', afterSeconds: 0 };
}
