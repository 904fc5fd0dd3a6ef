import type { GenerateMediaFailure } from '../domain/dispatch';
import type { SlotContext } from './slot-context';

/** Whether the job never pays for what may have been paid already, unless a person says so. */
export function isOnHold({ run }: SlotContext): boolean {
  return run.plan.rules.unknownOutcome === 'hold';
}

/** An accepted job whose result is out of our reach for ever, although nobody said that it failed. */
const outOfReach: readonly string[] = ['request_lost', 'redirect_foreign', 'redirect_without_location'];

/**
 * The job is on hold, and the submit is in doubt: a gateway answered for a provider that may have taken it all the same, or
 * its picture is where nobody can fetch it.
 */
export function mustAsk(context: SlotContext, { certainty, code, dispatch }: GenerateMediaFailure): boolean {
  if (!isOnHold(context) || dispatch.phase !== 'none') return false;
  return certainty === 'unknown' || (certainty === 'accepted' && outOfReach.includes(code));
}
