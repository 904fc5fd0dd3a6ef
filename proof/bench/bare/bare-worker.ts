import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';

const activities = {
  async work(seconds: number): Promise<string> {
    await sleep(seconds * 1000);
    return 'done';
  },
};
export type BareActivities = typeof activities;

/** Arguments: address, namespace, task queue, calls at a time. Says `ready` when it polls; ends with SIGTERM. */
async function main([address = '', namespace = '', taskQueue = '', calls = '']: string[]): Promise<void> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: require.resolve('./bare-workflow'),
    activities,
    maxConcurrentActivityTaskExecutions: Number(calls),
  });
  const running = worker.run();
  process.stdout.write('ready\n');
  await running;
  await connection.close();
}

void main(process.argv.slice(2));
