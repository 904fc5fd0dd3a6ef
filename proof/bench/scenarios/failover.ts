import type { SlotState } from '../../../src/domain/generation';
import { benchCharacter, type BenchStack } from '../bench-stack';
import type { Figure } from '../figure';
import { median } from '../median';

const rounds = 3;
const slotsPerJob = 6;

/** How a slot learnt that Modal is out: it was refused a connection itself, or the worker's gate knew already. */
type Lesson = 'connection_refused' | 'provider_down';

/** What a slot loses when Modal refuses connections: everything before the call that made its picture. */
export async function measureFailover(stack: BenchStack): Promise<Figure[]> {
  await stack.setLatency(1);
  const lost: Record<Lesson, number[]> = { connection_refused: [], provider_down: [] };
  for (let round = 0; round < rounds; round += 1) {
    await stack.api.setProvider('modal', 'down');
    // The first job is refused until the breaker opens; the second finds the gate closed.
    for (const seed of [2 * round, 2 * round + 1]) {
      for (const slot of await makeSet(stack, seed)) lost[lessonOf(slot)].push(lostSeconds(slot));
    }
    await stack.api.setProvider('modal', 'up');
    await stack.untilUp('modal');
  }
  return [
    ...figures('first refusals', lost.connection_refused, 'the slot itself was refused a connection'),
    ...figures('known down', lost.provider_down, 'the worker knew, no connection was tried'),
  ];
}

async function makeSet(stack: BenchStack, seed: number): Promise<SlotState[]> {
  const body = { characterId: benchCharacter, prompt: 'a woman of 30', seed, count: slotsPerJob };
  const { slots } = await stack.resultOf('studio', await stack.api.start('studio', body));
  return slots;
}

function lessonOf({ attempts, provider }: SlotState): Lesson {
  if (provider !== 'fal') throw new Error(`expected a failover to fal, the slot ended on ${provider ?? '-'}`);
  const codes = attempts.map(({ errorCode }) => errorCode);
  if (codes.includes('connection_refused')) return 'connection_refused';
  if (codes.includes('provider_down')) return 'provider_down';
  throw new Error(`expected a refusal before the failover, found ${codes.join(', ')}`);
}

function lostSeconds({ attempts, startedAt, finishedAt }: SlotState): number {
  const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  return seconds - (attempts.at(-1)?.seconds ?? 0);
}

function figures(name: string, values: readonly number[], how: string): Figure[] {
  if (values.length === 0) throw new Error(`no slot to measure: ${name}`);
  const shared = { unit: 's', target: 3 };
  return [
    {
      name: `failover, ${name}, median`,
      value: median(values),
      ...shared,
      note: `${values.length} slots; ${how}`,
    },
    { name: `failover, ${name}, worst`, value: Math.max(...values), ...shared, note: 'the same slots' },
  ];
}
