import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { GenerationState } from '../../domain/generation';
import {
  decideSlotUpdateName,
  progressQueryName,
  providerUpSignalName,
  retryNowUpdateName,
  type ProviderUp,
  type RetryNowResult,
  type SlotDecisionInput,
} from '../../domain/messages';

/** The whole state of a generation, at any time; also after it ended. */
export const progressQuery = defineQuery<GenerationState>(progressQueryName);
/** A provider that was known to be down answers again. */
export const providerUpSignal = defineSignal<[ProviderUp]>(providerUpSignalName);
/** Every waiting slot tries again now. Rejected when none is waiting. */
export const retryNowUpdate = defineUpdate<RetryNowResult>(retryNowUpdateName);
/** Rejected unless the slot is in `needs_decision`. */
export const decideSlotUpdate = defineUpdate<null, [SlotDecisionInput]>(decideSlotUpdateName);
