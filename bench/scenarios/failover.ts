import { benchCharacter, type BenchStack } from '../bench-stack';
import type { Figure } from '../figure';
import { median } from '../median';

const runs = 5;

/** What a slot loses when Modal refuses connections: everything before the call that made its picture. */
export async function measureFailover(stack: BenchStack): Promise<Figure[]> {
  await stack.setLatency(1);
  await stack.api.setProvider('modal', 'down');
  const lost: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const body = { characterId: benchCharacter, prompt: 'a woman of 30', seed: run, count: 6 };
    const { slots } = await stack.resultOf('studio', await stack.api.start('studio', body));
    for (const { attempts, startedAt, finishedAt, provider } of slots) {
      if (provider !== 'fal')
        throw new Error(`expected a failover to fal, the slot ended on ${provider ?? 'nothing'}`);
      const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
      lost.push(seconds - (attempts.at(-1)?.seconds ?? 0));
    }
  }
  await stack.api.setProvider('modal', 'up');
  return [
    {
      name: 'failover, median',
      value: median(lost),
      unit: 's',
      target: 3,
      note: `${lost.length} slots, Modal refuses connections`,
    },
    { name: 'failover, worst', value: Math.max(...lost), unit: 's', target: 3, note: 'the same slots' },
  ];
}
