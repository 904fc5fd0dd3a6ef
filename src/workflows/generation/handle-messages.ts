import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { SlotDecisionInput } from '../../domain/messages';
import type { Slot } from '../slot/slot';
import { stateOf, type GenerationRun } from './generation-run';
import { decideSlotUpdate, progressQuery, providerUpSignal, retryNowUpdate } from './messages';

/** Answers queries, and wakes the slots that a signal or update is about. */
export function handleMessages(run: GenerationRun, slots: readonly Slot[]): void {
  const waiting = (): Slot[] => slots.filter(({ state }) => state.status === 'waiting');
  setHandler(progressQuery, () => stateOf(run));
  setHandler(providerUpSignal, ({ provider }) => {
    run.parkedAt.delete(provider);
    for (const slot of waiting()) if (slot.state.waiting?.watched.includes(provider) === true) slot.wake();
  });
  setHandler(
    retryNowUpdate,
    () => {
      // A person knows better than what a provider asked for a while ago.
      run.notBefore.clear();
      const woken = waiting();
      for (const slot of woken) slot.wake(true);
      return { slots: woken.map(({ state }) => state.slot) };
    },
    {
      validator: () => {
        if (waiting().length === 0) throw notPossible('No slot of this job is waiting.');
      },
    },
  );
  setHandler(
    decideSlotUpdate,
    ({ slot, decision }) => {
      slots.find(({ state }) => state.slot === slot)?.decide(decision);
      return null;
    },
    {
      validator: ({ slot }: SlotDecisionInput) => {
        const asked = slots.find(({ state }) => state.slot === slot)?.state.decision;
        if (asked === undefined || asked.answer !== undefined) {
          throw notPossible(`Slot ${String(slot)} needs no decision.`);
        }
      },
    },
  );
}

function notPossible(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'not_possible');
}
