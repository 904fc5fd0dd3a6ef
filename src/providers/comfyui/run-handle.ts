import { z } from 'zod';
import type { JsonValue } from '../../domain/taxonomy';
import type { DispatchState } from '../types';
import { promptIdOf } from './prompt-id';

const handleSchema = z.object({ promptId: z.string(), brokenReads: z.int().min(0).optional() });

/** Our way back to a run, as it stands in the dispatch log. A type, since an interface is no JSON object. */
export type RunHandle = {
  promptId: string;
  /** How often its pictures came broken; left out for never. */
  brokenReads?: number;
};

/** The handle an earlier call recorded. */
export function recordedHandle(previous: DispatchState): RunHandle | undefined {
  if (previous.phase !== 'accepted') return undefined;
  const recorded = handleSchema.safeParse(previous.handle).data;
  return recorded && runHandle(recorded.promptId, recorded.brokenReads ?? 0);
}

/** A handle as it is recorded. */
export function runHandle(promptId: string, brokenReads: number): RunHandle & JsonValue {
  return { promptId, ...(brokenReads > 0 && { brokenReads }) };
}

/** The run an earlier call may have left behind, told without asking the pod; `undefined` when there was no submit. */
export function earlierRun(jobKey: string, previous: DispatchState): string | undefined {
  if (previous.phase === 'none') return undefined;
  return recordedHandle(previous)?.promptId ?? promptIdOf(jobKey);
}
