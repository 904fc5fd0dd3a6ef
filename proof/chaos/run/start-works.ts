import { z } from 'zod';
import type { WorkItem } from '../work/work-item';
import type { PatientClient } from './http-client';

/** A request the API has accepted. */
export interface StartedWork {
  item: WorkItem;
  generationId: string;
  /** Other jobs the same Idempotency-Key was answered with: there must be none. */
  otherIds: string[];
}

export interface StartWorksOptions {
  client: PatientClient;
  items: readonly WorkItem[];
  /** Resolves when there is room for so many pictures more. */
  roomFor: (images: number) => Promise<void>;
  onStarted: (work: StartedWork) => void;
  /** Whether a request is sent once more although it was answered, as by a client that lost the answer. */
  isRepeated: (index: number) => boolean;
  /** Ends early when aborted. */
  signal: AbortSignal;
}

const startedSchema = z.object({ id: z.string() });

/** Thrown when the API turns a request down for good: the plan of this program is wrong. */
export class WorkRefused extends Error {
  override readonly name = 'WorkRefused';
}

/** Sends every request with its own Idempotency-Key, as fast as there is room, and again until it is accepted. */
export async function startWorks(options: StartWorksOptions): Promise<void> {
  for (const [index, item] of options.items.entries()) {
    await options.roomFor(item.images);
    if (options.signal.aborted) return;
    const generationId = await startOnce(options.client, item);
    const started: StartedWork = { item, generationId, otherIds: [] };
    options.onStarted(started);
    if (!options.isRepeated(index)) continue;
    const again = await startOnce(options.client, item);
    if (again !== generationId) started.otherIds.push(again);
  }
}

async function startOnce(
  client: PatientClient,
  { flow, body, workId, name, caller }: WorkItem,
): Promise<string> {
  const { status, body: answer } = await client.send({
    method: 'POST',
    path: `/v1/${flow}`,
    caller,
    headers: { 'idempotency-key': `chaos-${workId}` },
    json: body,
  });
  if (status < 300) return startedSchema.parse(answer).id;
  throw new WorkRefused(`"${name}" was refused with ${status}: ${JSON.stringify(answer)}`);
}
