import { randomUUID } from 'node:crypto';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import {
  createCoreActivities,
  createProviderActivities,
  type CoreActivityDependencies,
  type ProviderActivities,
} from '../activities';
import { cancellationLatencySeconds } from '../activities/attempt-log';
import type { GenerateMediaDependencies } from '../activities/generate-media';
import { providerTaskQueue } from '../domain/task-queues';
import { providerNames, type ProviderName } from '../domain/taxonomy';
import { deploymentOptions } from './versions/worker-deployment';

export interface WorkersOptions {
  connection: NativeConnection;
  namespace: string;
  /** Of the workflows; each provider's derives from it. */
  taskQueue: string;
  workflowBundle: NonNullable<WorkerOptions['workflowBundle']>;
  dependencies: CoreActivityDependencies & GenerateMediaDependencies;
  /** Calls in flight per provider in this process. */
  concurrency: Readonly<Record<ProviderName, number>>;
  /** Calls started per second and provider by all workers of the queue; left out: no limit. */
  maxCallsPerSecond?: Readonly<Partial<Record<ProviderName, number | undefined>>>;
  /** Left out: the workers have no version, and get work only while their deployment has no current one. */
  version?: WorkerDeploymentVersion | undefined;
  /** How long a stopping process lets calls in flight finish. */
  shutdownGraceSeconds: number;
}

export interface Workers {
  /** Resolves after a shutdown, rejects when a worker failed; the others are shut down first. */
  run(): Promise<void>;
  shutdown(): void;
}

/** A cancellation reaches a call with its next heartbeat. */
const heartbeatThrottleMs = cancellationLatencySeconds * 1000;

/**
 * A killed worker's runs are reserved for it for so long; the SDK's default is 10 s. A living one takes a step up at once,
 * and one that is too busy loses only its memory of the run: another replays it.
 */
const stickyTimeoutMs = 2000;

/** One worker for workflows and their short activities, and one per provider, in this process. */
export async function createWorkers(options: WorkersOptions): Promise<Workers> {
  const processTaskQueue = `${options.taskQueue}-process-${randomUUID()}`;
  // One for all queues: a call that one of them began can be taken over through another.
  const activities = createProviderActivities({ ...options.dependencies, processTaskQueue });
  const workers = await Promise.all([
    coreWorker(options),
    ...providerNames.map((name) => providerWorker(name, activities, options)),
    processWorker(processTaskQueue, activities, options),
  ]);
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    shutdown,
    async run() {
      const runs = workers.map((worker) => worker.run());
      try {
        await Promise.all(runs);
      } finally {
        shutdown();
        await Promise.allSettled(runs);
      }
    },
  };
}

function coreWorker(options: WorkersOptions): Promise<Worker> {
  const { connection, namespace, taskQueue, workflowBundle, dependencies } = options;
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    ...versionOf(options),
    workflowBundle,
    activities: createCoreActivities(dependencies),
    stickyQueueScheduleToStartTimeout: stickyTimeoutMs,
    shutdownGraceTime: options.shutdownGraceSeconds * 1000,
  });
}

/**
 * Takes back the calls of this very process that Temporal gave up, because no heartbeat came through for a while. It has no
 * version: no deploy leads its queue anywhere else.
 */
function processWorker(
  taskQueue: string,
  activities: ProviderActivities,
  { connection, namespace, concurrency, shutdownGraceSeconds }: WorkersOptions,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    maxConcurrentActivityTaskExecutions: Math.max(...Object.values(concurrency)),
    maxHeartbeatThrottleInterval: heartbeatThrottleMs,
    shutdownGraceTime: shutdownGraceSeconds * 1000,
  });
}

function providerWorker(
  provider: ProviderName,
  activities: ProviderActivities,
  options: WorkersOptions,
): Promise<Worker> {
  const { connection, namespace, taskQueue, concurrency } = options;
  const perSecond = options.maxCallsPerSecond?.[provider];
  return Worker.create({
    connection,
    namespace,
    taskQueue: providerTaskQueue(taskQueue, provider),
    ...versionOf(options),
    activities,
    ...(perSecond !== undefined && { maxTaskQueueActivitiesPerSecond: perSecond }),
    maxConcurrentActivityTaskExecutions: concurrency[provider],
    maxHeartbeatThrottleInterval: heartbeatThrottleMs,
    // A paid call is never cut off by a deploy: nothing is cancelled before the grace time is over.
    shutdownGraceTime: options.shutdownGraceSeconds * 1000,
  });
}

function versionOf({ version }: WorkersOptions): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  return version === undefined ? {} : { workerDeploymentOptions: deploymentOptions(version) };
}
