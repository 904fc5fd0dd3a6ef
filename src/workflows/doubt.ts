import type { GenerateMediaFailure } from '../domain/dispatch';
import type { PlannedCandidate } from '../domain/plan';
import { unreachableCodes } from '../domain/taxonomy';
import type { Verdict } from './judge';
import type { SlotContext } from './slot-context';
import { isCharged, isFree } from './slot-trail';

/** Whether the job never pays for what may have been paid already, unless a person says so. */
export function isOnHold({ run }: SlotContext): boolean {
  return run.plan.rules.unknownOutcome === 'hold';
}

/**
 * A job whose result is out of our reach for ever, although nobody said that it failed. A picture that came whole and is
 * of no use is something else: another one is a refill, which has its own limit.
 */
const outOfReach: readonly string[] = [
  'request_lost',
  'redirect_foreign',
  'redirect_without_location',
  'result_lost',
  'url_foreign',
  'media_host_foreign',
  'media_redirect',
  'body_cut_off',
  'body_stalled',
  'media_empty',
  'media_not_media',
  'media_truncated',
  'media_unavailable',
  'reply_invalid',
];

/**
 * The job is on hold, and the submit is in doubt: something answered for a provider that may have taken it all the same, or
 * its picture is where nobody can fetch it.
 */
export function mustAsk(context: SlotContext, failure: GenerateMediaFailure): boolean {
  const { certainty, code, dispatch } = failure;
  if (!isOnHold(context) || dispatch.phase !== 'none') return false;
  if (certainty === 'unknown') return true;
  return certainty === 'accepted' && (outOfReach.includes(code) || isStoppedByUs(failure));
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
  if (unreachableCodes.includes(failure.code)) return false;
  // The other job of a race may still give its picture.
  return jobs.open().every((candidate) => jobs.isGivenUp(candidate));
}

/** Jobs that we took back for their time was up. */
const takenBack: readonly string[] = ['deadline_exceeded', 'queue_timeout'];

/** We told the provider to stop a job, and it bills that job, or did not say that it does not: it may have been made. */
function isStoppedByUs({ code, trail }: GenerateMediaFailure): boolean {
  const latest = trail.at(-1);
  return takenBack.includes(code) && latest !== undefined && !isFree(latest);
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
