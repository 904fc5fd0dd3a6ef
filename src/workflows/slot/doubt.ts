import type { GenerateMediaFailure } from '../../domain/dispatch';
import type { PlannedCandidate } from '../../domain/plan';
import { failureOf } from '../../domain/failures';
import type { Verdict } from './judge';
import type { SlotContext } from './slot-context';
import { isCharged, isFree } from './slot-trail';

/** Whether the job never pays for what may have been paid already, unless a person says so. */
export function isOnHold({ run }: SlotContext): boolean {
  return run.plan.rules.unknownOutcome === 'hold';
}

/**
 * The job is on hold, and the submit is in doubt: something answered for a provider that may have taken it all the same, or
 * its picture is where nobody can fetch it.
 */
export function mustAsk(context: SlotContext, failure: GenerateMediaFailure): boolean {
  const { outcome, dispatch } = failure;
  if (!isOnHold(context) || dispatch.phase !== 'none') return false;
  return outcome === 'nobody_knows' || outcome === 'gone' || isStoppedByUs(failure);
}

/** The job is on hold, and its provider answers, only not for the job it accepted: nobody but a person gives that one up. */
export function mustAskForJob(
  context: SlotContext,
  failure: GenerateMediaFailure,
  verdict: Verdict,
): boolean {
  const { jobs, slot } = context;
  if (!isOnHold(context) || verdict.kind !== 'abandon' || slot.decision !== undefined) return false;
  // An outage is waited for: nobody knows more than the provider will.
  if (!isAboutTheJob(failure)) return false;
  // The other job of a race may still give its picture.
  return jobs.open().every((candidate) => jobs.isGivenUp(candidate));
}

/** The provider itself spoke of the job, or let its whole time pass: nothing is out that could come back. */
function isAboutTheJob({ code }: GenerateMediaFailure): boolean {
  const { answeredBy, outage, class: failureClass } = failureOf(code);
  if (code === 'deadline_exceeded') return true;
  return answeredBy === 'provider' && outage === 'none' && failureClass !== 'capacity';
}

/** We told the provider to stop a job, and it bills that job, or did not say that it does not: it may have been made. */
function isStoppedByUs({ code, outcome, trail }: GenerateMediaFailure): boolean {
  const latest = trail.at(-1);
  const wasTakenBack = outcome === 'ended_billed' && failureOf(code).answeredBy === 'nobody';
  return wasTakenBack && latest !== undefined && !isFree(latest);
}

/** Puts the submit before a person, unless that person has spoken. Where its price is booked as cost, nothing is at risk. */
export function ask({ run, slot }: SlotContext, { provider, endpoint }: PlannedCandidate): void {
  if (slot.decision?.answer !== undefined) return;
  const atRiskUsd = slot.attempts.findLast(isCharged)?.atRiskUsd ?? 0;
  const since = slot.decision?.since ?? new Date().toISOString();
  slot.status = 'needs_decision';
  slot.decision = { provider, endpoint, since, atRiskUsd };
  run.changed();
  run.save();
}
