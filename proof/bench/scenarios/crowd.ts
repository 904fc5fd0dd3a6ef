import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { benchCharacter, type BenchStack } from '../bench-stack';
import type { Figure } from '../figure';

const jobs = 2_000;
const callers = 10;

const journalSchema = z.object({ entries: z.array(z.object({ at: z.string() })) });
const providersSchema = z.object({
  items: z.array(z.object({ provider: z.string(), parkedJobs: z.number() })),
});

/** Real jobs that wait for Modal alone, and what hits Modal when it comes back. */
export async function measureCrowd(stack: BenchStack): Promise<Figure[]> {
  await stack.setLatency(1);
  await stack.api.setProvider('modal', 'down');
  const ids = await startAll(stack);
  while ((await parkedJobs(stack)) < jobs) await sleep(1_000);
  const known = (await submits(stack)).length;
  const begin = Date.now();
  await stack.api.setProvider('modal', 'up');
  // One after the other: a call that waits for each would be a crowd of its own.
  for (const id of ids) await stack.resultOf('studio', id);
  const seconds = (Date.now() - begin) / 1000;
  const at = (await submits(stack)).slice(known).map((entry) => Date.parse(entry.at));
  return [
    {
      name: 'crowd, submits at Modal',
      value: at.length,
      unit: '',
      target: jobs,
      note: `${jobs} waiting jobs, each a workflow; one submit each`,
    },
    {
      name: 'crowd, first submit',
      value: (Math.min(...at) - begin) / 1000,
      unit: 's',
      note: 'after Modal came back',
    },
    {
      name: 'crowd, busiest second',
      value: busiestSecond(at),
      unit: 'submits',
      target: 200,
      note: 'two batches of a hundred at the most',
    },
    { name: 'crowd, all finished', value: seconds, unit: 's', note: 'after Modal came back' },
  ];
}

async function startAll(stack: BenchStack): Promise<string[]> {
  const ids: string[] = [];
  const start = async (caller: number): Promise<void> => {
    for (let seed = caller; seed < jobs; seed += callers) {
      const order = { modelProvider: 'modal', strict: true, quality: 'fast' };
      ids.push(
        await stack.api.start('studio', {
          characterId: benchCharacter,
          prompt: 'a woman of 30',
          seed,
          ...order,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => start(caller)));
  return ids;
}

async function submits(stack: BenchStack): Promise<{ at: string }[]> {
  return journalSchema.parse(await stack.control('GET', '/control/journal?provider=modal')).entries;
}

async function parkedJobs(stack: BenchStack): Promise<number> {
  const response = await fetch(new URL('/v1/providers', stack.description.api));
  const { items } = providersSchema.parse(await response.json());
  return items.find(({ provider }) => provider === 'modal')?.parkedJobs ?? 0;
}

function busiestSecond(times: readonly number[]): number {
  return Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length));
}
