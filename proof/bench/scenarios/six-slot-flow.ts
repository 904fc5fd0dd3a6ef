import { temporal } from '@temporalio/proto';
import { benchCharacter, type BenchStack } from '../bench-stack';
import type { Figure } from '../figure';
import { median } from '../median';

const runs = 5;
const latencySeconds = 6;

/** What a set costs over its slowest picture, in time and in Temporal actions. */
export async function measureSixSlotFlow(stack: BenchStack): Promise<Figure[]> {
  await stack.setLatency(latencySeconds);
  const ratios: number[] = [];
  let actionsPerSlot = 0;
  let kilobytesPerSlot = 0;
  for (let run = 0; run < runs; run += 1) {
    const id = await stack.api.start('base-images', {
      characterId: benchCharacter,
      prompt: 'a woman of 30',
      seed: run,
    });
    const { slots } = await stack.resultOf('base-images', id);
    const handle = stack.temporal.workflow.getHandle(`base-images/${benchCharacter}/${id}`);
    const { startTime, closeTime, historySize = 0 } = await handle.describe();
    kilobytesPerSlot = historySize / 1024 / slots.length;
    const slowest = Math.max(...slots.flatMap(({ attempts }) => attempts.map(({ seconds }) => seconds)));
    ratios.push(((closeTime?.getTime() ?? 0) - startTime.getTime()) / 1000 / slowest);
    actionsPerSlot = countActions(await handle.fetchHistory()) / slots.length;
  }
  return [
    {
      name: 'six-slot flow / its slowest slot',
      value: median(ratios),
      unit: '×',
      target: 1.03,
      note: `median of ${runs}, every provider call takes ${latencySeconds} s`,
    },
    {
      name: 'Temporal actions per slot, happy path',
      value: actionsPerSlot,
      unit: '',
      target: 1.5,
      note: 'six-slot flow: start, activities, timers, search attribute updates',
    },
    {
      name: 'history per slot',
      value: kilobytesPerSlot,
      unit: 'KB',
      target: 8,
      note: 'six-slot flow',
    },
  ];
}

const { EventType } = temporal.api.enums.v1;
const billed: readonly (temporal.api.enums.v1.EventType | null | undefined)[] = [
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
  EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
  EventType.EVENT_TYPE_TIMER_STARTED,
  EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
];

/** Actions as Temporal Cloud counts them; a retry of an activity is one more. */
function countActions({ events }: temporal.api.history.v1.IHistory): number {
  const counted = (events ?? []).filter(({ eventType }) => billed.includes(eventType)).length;
  const retries = (events ?? []).reduce(
    (sum, { activityTaskStartedEventAttributes: started }) => sum + Math.max((started?.attempt ?? 1) - 1, 0),
    0,
  );
  return counted + retries;
}
