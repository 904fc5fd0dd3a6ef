import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import { providerTaskQueue } from '../../domain/task-queues';
import { providerNames } from '../../domain/taxonomy';

const pollMs = 250;

/** One call: a server that has just begun may let the first one hang, and answers the next at once. */
const callMs = 5_000;

/**
 * gRPC statuses that may be others in a moment: the server is slow (4, or 1 where the client gave up), busy (8) or away
 * (14), or no worker of the version has come yet (5, 9). https://grpc.io/docs/guides/status-codes/
 */
const waitable: ReadonlySet<number> = new Set([1, 4, 5, 8, 9, 14]);
const notFound = 5;

/** Where the versions of a deployment are kept. */
export interface DeploymentServer {
  connection: Pick<NativeConnection, 'workflowService' | 'withDeadline'>;
  namespace: string;
}

export interface SetCurrentVersionOptions {
  /** Longest wait for the workers of that version, milliseconds. */
  timeoutMs: number;
  /** Also when workers of the current version poll a queue that those of the new one do not. Default false. */
  allowRemovedQueues?: boolean;
}

/**
 * Sends all work to this version: new jobs, and running ones at their next step. Waits until its workers have polled
 * every task queue, because work on a queue without them would wait for ever.
 *
 * @throws Error when they have not come in time, or the server refuses for good.
 */
export async function setCurrentVersion(
  server: DeploymentServer,
  version: WorkerDeploymentVersion,
  { timeoutMs, allowRemovedQueues = false }: SetCurrentVersionOptions,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const problem = await server.connection.withDeadline(Date.now() + callMs, () =>
      tryToSet(server, version, allowRemovedQueues),
    );
    if (problem === undefined) return;
    if (Date.now() > deadline) {
      throw new Error(`${nameOf(version)} could not be made the current version: ${problem}`);
    }
    await delay(pollMs);
  }
}

/** Sends all work to workers without a version, as before versioning was switched on. @throws when the server refuses */
export async function setUnversionedCurrent(server: DeploymentServer, deploymentName: string): Promise<void> {
  await server.connection.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: server.namespace,
    deploymentName,
    ignoreMissingTaskQueues: true,
  });
}

/** Build id of the deployment's current version; `undefined` when unversioned workers get its work. */
export async function currentBuildId(
  { connection, namespace }: DeploymentServer,
  deploymentName: string,
): Promise<string | undefined> {
  try {
    const { workerDeploymentInfo } = await connection.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
    if (code === notFound) return undefined;
    throw error;
  }
}

/** What is missing, in words; `undefined` when it is done. */
async function tryToSet(
  server: DeploymentServer,
  version: WorkerDeploymentVersion,
  ignoreMissingTaskQueues: boolean,
): Promise<string | undefined> {
  const { workflowService } = server.connection;
  const { namespace } = server;
  try {
    const { versionTaskQueues } = await workflowService.describeWorkerDeploymentVersion({
      namespace,
      deploymentVersion: version,
    });
    const polled = new Set(versionTaskQueues.map(({ name }) => name));
    const missing = taskQueuesOf(version).filter((queue) => !polled.has(queue));
    if (missing.length > 0) return `none of its workers has polled ${missing.join(', ')}`;
    await workflowService.setWorkerDeploymentCurrentVersion({
      namespace,
      ...version,
      ignoreMissingTaskQueues,
    });
    return undefined;
  } catch (error) {
    if (isGrpcServiceError(error) && waitable.has(error.code))
      return error.details || `the server answered with gRPC status ${String(error.code)}`;
    throw error;
  }
}

function taskQueuesOf({ deploymentName }: WorkerDeploymentVersion): string[] {
  return [deploymentName, ...providerNames.map((name) => providerTaskQueue(deploymentName, name))];
}

function nameOf({ deploymentName, buildId }: WorkerDeploymentVersion): string {
  return `version ${buildId} of ${deploymentName}`;
}
