import type { GenerateMediaFailure } from '../domain/dispatch';
import type { SlotContext } from './slot-context';

/** Whether the job never pays for what may have been paid already, unless a person says so. */
export function isOnHold({ run }: SlotContext): boolean {
  return run.plan.rules.unknownOutcome === 'hold';
}

/** A gateway answered for a provider that may have taken the job all the same, and the job is on hold. */
export function mustAsk(context: SlotContext, { certainty, dispatch }: GenerateMediaFailure): boolean {
  return isOnHold(context) && certainty === 'unknown' && dispatch.phase === 'none';
}
