import { setTimeout as delay } from 'node:timers/promises';
import type { DemoClient, DemoGeneration } from './demo-client';
import { DemoError } from './demo-error';

const pollMs = 300;
const finalStatuses = new Set(['completed', 'partial', 'failed', 'cancelled']);

export interface WatchOptions {
  client: DemoClient;
  ids: readonly string[];
  /** Milliseconds until the demo gives up; default 120,000. */
  timeoutMs?: number;
  onUpdate: (generations: readonly DemoGeneration[]) => void;
  signal: AbortSignal;
}

/** Follows generations to their ends. @throws DemoError when one does not end in time. */
export async function watchGenerations(options: WatchOptions): Promise<DemoGeneration[]> {
  const { client, ids, timeoutMs = 120_000, onUpdate, signal } = options;
  const deadline = Date.now() + timeoutMs;
  let generations: DemoGeneration[] = [];
  for (;;) {
    signal.throwIfAborted();
    const read = await Promise.all(ids.map((id) => client.generation(id)));
    generations = read.map((now, index) => newest(generations[index], now));
    onUpdate(generations);
    const open = generations.filter(({ status }) => !finalStatuses.has(status));
    if (open.length === 0) return generations;
    if (Date.now() > deadline) {
      throw new DemoError(
        `${open.map(({ flow }) => flow).join(', ')} did not end within ${timeoutMs / 1000} s`,
      );
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** A busy worker may not answer in time: what was stored last would show a slot going backwards. */
function newest(before: DemoGeneration | undefined, now: DemoGeneration): DemoGeneration {
  return before === undefined || now.live || finalStatuses.has(now.status) ? now : before;
}
