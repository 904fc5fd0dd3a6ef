import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import {
  createCheckProvider,
  createJoinWatches,
  createRecordHealth,
  createWakeJobs,
  type ProviderWatches,
} from '../../src/activities/watches';
import { providerWatchId, type ProviderUp } from '../../src/domain/messages';
import { healthQueryName, type ProviderWatchView, type WatchPolicy } from '../../src/domain/provider-watch';
import { generationTaskQueue, providerTaskQueue } from '../../src/domain/task-queues';
import { createProviderWatches } from '../../src/worker/provider-watches';
import { installQuietRuntime } from './quiet-runtime';
import type { WatchedProvider } from './watched-provider';
import { workflowBundle } from './workflow-bundle';

/** Seconds instead of minutes: one probe a second, two canaries, batches of ten. */
export const quickPolicy: WatchPolicy = {
  probe: { initialSeconds: 1, backoffCoefficient: 1, maximumSeconds: 1 },
  jitter: 0,
  reopenMaximumSeconds: 300,
  settleSeconds: 0.1,
  canaries: 2,
  canarySeconds: 1,
  batchSize: 10,
  batchPauseSeconds: 0.1,
  quietSeconds: 30,
  maxParked: 10_000,
};

export const watchId = providerWatchId(generationTaskQueue, 'modal');
const parkedJobQueue = 'parked-jobs';

export interface WatchServer {
  address: string;
  namespace: string;
  /** Left out: one of its own. */
  client?: Client;
}

/** The real watch, its real activities and waiting jobs on a Temporal server; a fake provider and database. */
export interface WatchHarness {
  client: Client;
  /** As workers speak to the watches, with this policy. */
  watches(policy?: WatchPolicy): ProviderWatches;
  /** Runs the workers for as long as `work` takes. */
  withWorkers<T>(provider: WatchedProvider, work: () => Promise<T>, options?: RunOptions): Promise<T>;
  /** Starts a job that waits for Modal and ends `lingerMs` after it was woken. Default 0. */
  startJob(workflowId: string, lingerMs?: number): Promise<ParkedJobHandle>;
  health(): Promise<ProviderWatchView>;
  close(): Promise<void>;
}

export interface RunOptions {
  policy?: WatchPolicy;
  /** Sees every payload that the workflow worker writes. */
  codec?: PayloadCodec;
}

export type ParkedJobHandle = WorkflowHandleWithFirstExecutionRunId<() => Promise<ProviderUp[]>>;

export async function openWatchHarness(server: WatchServer): Promise<WatchHarness> {
  installQuietRuntime();
  const connection = await Connection.connect({ address: server.address });
  const native = await NativeConnection.connect({ address: server.address });
  const client = server.client ?? new Client({ connection, namespace: server.namespace });
  const jobBundle = await bundleWorkflowCode({
    workflowsPath: require.resolve('./parked-job'),
    logger: new DefaultLogger('WARN'),
  });
  const watches = (policy = quickPolicy) => createProviderWatches(client, generationTaskQueue, policy);
  const common = { connection: native, namespace: server.namespace };
  return {
    client,
    watches,
    async withWorkers(provider, work, { policy, codec } = {}) {
      const workers = await Promise.all([
        Worker.create({
          ...common,
          taskQueue: generationTaskQueue,
          workflowBundle: workflowBundle(),
          activities: coreActivities(provider, watches(policy)),
          ...(codec !== undefined && { dataConverter: { payloadCodecs: [codec] } }),
        }),
        Worker.create({
          ...common,
          taskQueue: providerTaskQueue(generationTaskQueue, 'modal'),
          activities: { checkProvider: createCheckProvider({ modal: provider }) },
        }),
        Worker.create({ ...common, taskQueue: parkedJobQueue, workflowBundle: jobBundle }),
      ]);
      return await runAround(workers, work);
    },
    startJob: (workflowId, lingerMs = 0) =>
      client.workflow.start('parkedJob', {
        taskQueue: parkedJobQueue,
        workflowId,
        args: [['modal'], lingerMs],
      }) as Promise<ParkedJobHandle>,
    health: () => client.workflow.getHandle(watchId).query<ProviderWatchView>(healthQueryName),
    async close() {
      await native.close();
      await connection.close();
    },
  };
}

function coreActivities(provider: WatchedProvider, watches: ProviderWatches) {
  return {
    recordHealth: createRecordHealth(provider),
    wakeJobs: createWakeJobs(provider.noting(watches)),
    joinWatches: createJoinWatches(watches),
  };
}

async function runAround<T>(workers: Worker[], work: () => Promise<T>): Promise<T> {
  const running = Promise.all(workers.map((worker) => worker.run()));
  try {
    return await Promise.race([work(), running.then(() => Promise.reject(new Error('the workers stopped')))]);
  } finally {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  }
}
