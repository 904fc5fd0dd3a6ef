import { benchCharacter, type BenchStack } from '../bench-stack';
import type { Figure } from '../figure';

const starts = 200;
const callers = 10;

/** Accepted starts per second over HTTP while the workers work on them. */
export async function measureStarts(stack: BenchStack): Promise<Figure[]> {
  await stack.setLatency(1);
  const ids: string[] = [];
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let number = caller; number < starts; number += callers) {
        const body = { characterId: benchCharacter, prompt: 'a woman of 30', seed: number, quality: 'fast' };
        ids.push(await stack.api.start('studio', body));
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  await Promise.all(ids.map((id) => stack.resultOf('studio', id)));
  const allSeconds = (performance.now() - begin) / 1000;
  return [
    {
      name: 'starts per second',
      value: starts / seconds,
      unit: '/s',
      note: `${starts} POST /v1/studio, ${callers} callers`,
    },
    {
      name: 'finished per second',
      value: starts / allSeconds,
      unit: '/s',
      note: 'the same, until the last picture is stored',
    },
  ];
}
