import { condition, defineUpdate, setHandler } from '@temporalio/workflow';
import {
  decideSlotUpdateName,
  retryNowUpdateName,
  type RetryNowResult,
  type SlotDecisionInput,
} from '../../src/domain/messages';

/** Takes a decision about slot 1 alone, once; says that slots 2 and 3 try again; and ends when slot 1 is given up. */
export async function studioGeneration(): Promise<void> {
  let decided: SlotDecisionInput | undefined;
  setHandler(
    defineUpdate<boolean, [SlotDecisionInput]>(decideSlotUpdateName),
    (input) => {
      decided = input;
      return true;
    },
    {
      validator: ({ slot }) => {
        if (slot !== 1 || decided !== undefined) throw new Error('nothing to decide');
      },
    },
  );
  setHandler(defineUpdate<RetryNowResult>(retryNowUpdateName), () => ({ slots: [2, 3] }));
  await condition(() => decided?.decision === 'give_up');
}
