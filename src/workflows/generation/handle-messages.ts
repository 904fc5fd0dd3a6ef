import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { SlotDecisionInput } from '../../domain/messages';
import { stateOf, wakeSlot, type GenerationRun } from './generation-run';
import { decideSlotUpdate, progressQuery, providerUpSignal, retryNowUpdate } from './messages';

/** Answers queries, and wakes the slots that a signal or update is about. */
export function handleMessages(run: GenerationRun): void {
  setHandler(progressQuery, () => stateOf(run));
  setHandler(providerUpSignal, ({ provider }) => {
    run.parkedAt.delete(provider);
    for (const { slot, status, waiting } of run.state.slots) {
      if (status === 'waiting' && waiting?.watched.includes(provider) === true) wakeSlot(run, slot);
    }
  });
  setHandler(
    retryNowUpdate,
    () => {
      const slots = waitingSlots(run);
      // A person knows better than what a provider asked for a while ago.
      run.notBefore.clear();
      for (const slot of slots) {
        run.urged.add(slot);
        delete run.progress[run.state.slots.findIndex((known) => known.slot === slot)]?.doubtsUntil;
        wakeSlot(run, slot);
      }
      return { slots };
    },
    {
      validator: () => {
        if (waitingSlots(run).length === 0) throw notPossible('No slot of this job is waiting.');
      },
    },
  );
  setHandler(
    decideSlotUpdate,
    ({ slot, decision }) => {
      const question = run.state.slots.find((known) => known.slot === slot)?.decision;
      if (question !== undefined) question.answer = decision;
      return null;
    },
    {
      validator: (input: SlotDecisionInput) => {
        checkDecision(run, input);
      },
    },
  );
}

function waitingSlots({ state, woken }: GenerationRun): number[] {
  return state.slots
    .filter(({ slot, status }) => status === 'waiting' && !woken.has(slot))
    .map(({ slot }) => slot);
}

function checkDecision({ state }: GenerationRun, { slot }: SlotDecisionInput): void {
  const asked = state.slots.find((known) => known.slot === slot);
  if (asked?.decision === undefined || asked.decision.answer !== undefined) {
    throw notPossible(`Slot ${String(slot)} needs no decision.`);
  }
}

function notPossible(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'not_possible');
}
