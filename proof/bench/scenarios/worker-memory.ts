import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchCharacter, type BenchStack } from '../bench-stack';
import type { Figure } from '../figure';

const generations = 20;
const slotsEach = 10;

/** Memory of the worker process with 200 provider calls open, and at its highest while their pictures arrive. */
export async function measureWorkerMemory(stack: BenchStack): Promise<Figure[]> {
  await stack.setLatency(40);
  const pid = stack.description.pids['worker'] ?? 0;
  const ids: string[] = [];
  for (let number = 0; number < generations; number += 1) {
    const body = {
      characterId: benchCharacter,
      prompt: 'a woman of 30',
      seed: number * 100,
      count: slotsEach,
    };
    ids.push(await stack.api.start('studio', body));
  }
  while ((await stack.api.runningJobs('modal')) < generations * slotsEach) await sleep(250);
  const inFlight = await residentMegabytes(pid);
  let highest = inFlight;
  const finished = new AbortController();
  const done = Promise.all(ids.map((id) => stack.resultOf('studio', id))).finally(() => finished.abort());
  while (!finished.signal.aborted) {
    highest = Math.max(highest, await residentMegabytes(pid));
    await sleep(250);
  }
  await done;
  return [
    {
      name: 'worker memory, 200 slots in flight',
      value: inFlight,
      unit: 'MB',
      target: 300,
      note: 'resident, one process',
    },
    {
      name: 'worker memory, highest',
      value: highest,
      unit: 'MB',
      target: 300,
      note: 'until all 200 pictures are stored',
    },
  ];
}

/** Resident set of a process; Linux only. */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
