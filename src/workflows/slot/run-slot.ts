import { condition, workflowInfo } from '@temporalio/workflow';
import { leaveWatches } from '../leave-watches';
import { cleanUp } from './clean-up';
import { next, type End, type Step } from './rules/next';
import { isLong, type Slot } from './slot';

/**
 * Brings one slot to its end: what it does next stands in the table (`rules/next.ts`). Never throws for a provider's failure,
 * so a slot cannot fail its set. Returns with an unfinished slot only while the run rests.
 */
export async function runSlot(slot: Slot): Promise<void> {
  slot.reuseStored();
  while (!slot.isOver) {
    slot.receive();
    const { step } = next(slot.situation());
    if (step.kind === 'ask_limit') await slot.askLimit(step.endpoint);
    else if (step.kind !== 'wait') carryOut(slot, step);
    else if (!(await untilSomethingHappens(slot, step))) return;
  }
}

function carryOut(slot: Slot, step: Exclude<Step, { kind: 'wait' | 'ask_limit' }>): void {
  switch (step.kind) {
    case 'submit':
      slot.submit(step.endpoint);
      return;
    case 'look':
      slot.look(step.key);
      return;
    case 'stop':
      slot.stop(step.key);
      return;
    case 'park':
      slot.take({ kind: 'parked', until: step.until });
      return;
    case 'begin_round':
      slot.take({ kind: 'round_began' });
      return;
    case 'ask_person':
      slot.take({ kind: 'asked', key: step.key });
      return;
    case 'go_on':
      slot.take({ kind: 'went_on' });
      cleanUp(slot);
      return;
    case 'end':
      endSlot(slot, step.as);
      return;
    default:
      step satisfies never;
  }
}

/** What is open is left to the clean-up. */
export function endSlot(slot: Slot, as: End): void {
  slot.end(as);
  cleanUp(slot);
  leaveWatches(slot.run);
}

/** Returns whether the slot goes on in this run: a history has an end, an outage may not. */
async function untilSomethingHappens(slot: Slot, step: Extract<Step, { kind: 'wait' }>): Promise<boolean> {
  const { run } = slot;
  slot.showWait(step);
  const { waitsUntil, question } = slot.ledger;
  const mayRest = !slot.isCalling() && (waitsUntil !== undefined || question !== undefined || isLong(step));
  if (mayRest) run.isResting ||= workflowInfo().continueAsNewSuggested;
  const isDue = (): boolean => slot.hasNews() || (run.isResting && mayRest);
  // eslint-disable-next-line temporal/workflow-condition-timeout-style -- a call under way ends by itself
  if (step.until === Infinity) await condition(isDue);
  else await condition(isDue, Math.max(1, step.until - Date.now()));
  return !(run.isResting && mayRest);
}
