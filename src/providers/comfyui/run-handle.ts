import { z } from 'zod';
import type { JsonValue } from '../../domain/taxonomy';
import type { DispatchState } from '../types';
import { promptIdOf } from './prompt-id';

const handleSchema = z.object({
  promptId: z.string(),
  brokenReads: z.int().min(0).optional(),
  queuedSince: z.iso.datetime().optional().catch(undefined),
});

/** Our way back to a run, as it stands in the dispatch log. A type, since an interface is no JSON object. */
export type RunHandle = {
  promptId: string;
  /** How often its pictures came broken; left out for never. */
  brokenReads?: number | undefined;
  /** ISO 8601; when it was submitted, or first seen in the queue. Absent in handles of older versions. */
  queuedSince?: string | undefined;
};

/** The handle an earlier call recorded. */
export function recordedHandle(previous: DispatchState): RunHandle | undefined {
  if (previous.phase !== 'accepted') return undefined;
  const recorded = handleSchema.safeParse(previous.handle).data;
  return recorded && noteOf(recorded);
}

/** A handle as it is recorded. */
export function noteOf({ promptId, brokenReads = 0, queuedSince }: RunHandle): RunHandle & JsonValue {
  return {
    promptId,
    ...(brokenReads > 0 && { brokenReads }),
    ...(queuedSince !== undefined && { queuedSince }),
  };
}

/** The run an earlier call may have left behind, told without asking the pod; `undefined` when there was no submit. */
export function earlierRun(jobKey: string, previous: DispatchState): string | undefined {
  if (previous.phase === 'none') return undefined;
  return recordedHandle(previous)?.promptId ?? promptIdOf(jobKey);
}
