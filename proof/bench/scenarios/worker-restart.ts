import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { emulatedTaskQueue, providerTaskQueue } from '../../../src/domain/task-queues';
import { providerNames } from '../../../src/domain/taxonomy';
import { readStackFile } from '../../../local/stack/stack-file';
import type { BenchStack } from '../bench-stack';
import type { Figure } from '../figure';
import { median } from '../median';

const kills = 5;
const lookMs = 25;
/** Longest a killed worker needs to be back. */
const backMs = 60_000;
/** Between two kills: a restart is a first one again for the supervisor, and a process stands by, also beside other load. */
const calmMs = 20_000;

const { TASK_QUEUE_TYPE_WORKFLOW: workflowTasks, TASK_QUEUE_TYPE_ACTIVITY: activityTasks } =
  temporal.api.enums.v1.TaskQueueType;
const polled = [
  { name: emulatedTaskQueue, type: workflowTasks },
  { name: emulatedTaskQueue, type: activityTasks },
  ...providerNames.map((provider) => ({
    name: providerTaskQueue(emulatedTaskQueue, provider),
    type: activityTasks,
  })),
];

/** From the kill -9 of the worker until the server has seen the next one poll all of its task queues. */
export async function measureWorkerRestart(stack: BenchStack): Promise<Figure[]> {
  const seconds: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep(calmMs);
    const before = await allPollers(stack.temporal);
    const startedAt = performance.now();
    process.kill(pidOfWorker(stack.dataDirectory), 'SIGKILL');
    while (!isPolledAnew(before, await allPollers(stack.temporal))) {
      if (performance.now() - startedAt > backMs) throw new Error('the worker did not come back');
      await sleep(lookMs);
    }
    seconds.push((performance.now() - startedAt) / 1000);
  }
  const shared = { unit: 's', target: 2 };
  return [
    {
      name: 'worker restart, median',
      value: median(seconds),
      ...shared,
      note: `${kills} times kill -9, until the next one polls every task queue`,
    },
    { name: 'worker restart, worst', value: Math.max(...seconds), ...shared, note: 'the same kills' },
  ];
}

function pidOfWorker(dataDirectory: string): number {
  const pid = readStackFile(dataDirectory)?.pids['worker'];
  if (pid === undefined) throw new Error('stack.json names no worker');
  return pid;
}

/** Who polled each queue in the last minutes, as the server knows it. */
async function allPollers(client: Client): Promise<string[][]> {
  const { workflowService } = client.connection;
  const { namespace } = client.options;
  return await Promise.all(
    polled.map(async ({ name, type }) => {
      const { pollers } = await workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        taskQueueType: type,
      });
      return pollers.map(({ identity }) => identity ?? '');
    }),
  );
}

function isPolledAnew(before: readonly string[][], now: readonly string[][]): boolean {
  return now.every((pollers, queue) =>
    pollers.some((identity) => before[queue]?.includes(identity) !== true),
  );
}
