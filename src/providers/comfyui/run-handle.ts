import { z } from 'zod';
import type { JsonValue } from '../../domain/taxonomy';
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

/** The run a handle or a clue leads to. What cannot be read leads to the one the job's key leads to. */
export function readHandle(jobKey: string, recorded: JsonValue | undefined): RunHandle {
  const handle = handleSchema.safeParse(recorded).data;
  return handle === undefined ? { promptId: promptIdOf(jobKey) } : noteOf(handle);
}

/** A handle as it is recorded. */
export function noteOf({ promptId, brokenReads = 0, queuedSince }: RunHandle): RunHandle & JsonValue {
  return {
    promptId,
    ...(brokenReads > 0 && { brokenReads }),
    ...(queuedSince !== undefined && { queuedSince }),
  };
}
