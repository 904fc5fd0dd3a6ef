import { z } from 'zod';
import type { PaidJob } from '../analysis/evidence';
import type { WorkItem } from '../work/work-item';
import type { Control } from './control';

const entrySchema = z.object({
  n: z.number(),
  at: z.string(),
  provider: z.string(),
  endpoint: z.string(),
  body: z.unknown(),
  inputs: z.unknown().optional(),
  seed: z.number().optional(),
  requestId: z.string().optional(),
  promptId: z.string().optional(),
  callId: z.string().optional(),
  jobKey: z.string().optional(),
  outcome: z.enum(['running', 'succeeded', 'failed', 'cancelled', 'lost']),
  chargedUsd: z.number(),
});
const pageSchema = z.object({ entries: z.array(entrySchema) });
type Entry = z.infer<typeof entrySchema>;

/** Jobs the providers accepted after number `since`. */
export async function readEntries(control: Control, since = 0): Promise<Entry[]> {
  return pageSchema.parse(await control('GET', `/control/journal?since=${since}`)).entries;
}

/** The journal with the request behind every job. */
export function toPaidJobs(entries: readonly Entry[], items: readonly WorkItem[]): PaidJob[] {
  return entries.map((entry) => ({
    n: entry.n,
    provider: entry.provider,
    endpoint: entry.endpoint,
    workId: workIdOf(entry, items),
    seed: entry.seed,
    jobKey: entry.jobKey,
    ids: [entry.requestId, entry.promptId, entry.callId].filter((id) => id !== undefined),
    at: Date.parse(entry.at),
    outcome: entry.outcome,
    chargedUsd: entry.chargedUsd,
  }));
}

function workIdOf({ body, inputs }: Entry, items: readonly WorkItem[]): string | undefined {
  const text = JSON.stringify([body, inputs ?? null]);
  return items.find(({ workId }) => text.includes(workId))?.workId;
}
