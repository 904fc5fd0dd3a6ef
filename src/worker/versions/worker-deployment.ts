import { createHash } from 'node:crypto';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { WorkerDeploymentOptions } from '@temporalio/worker';

/** The source map at the end of a bundle holds the paths of the machine that made it. */
const sourceMap = /^\/\/# sourceMappingURL=.*$/gm;

/**
 * The deployment and version a worker belongs to. All its task queues are one deployment, named after the workflows'
 * queue. Without a `buildId` of the operator's own the version is named after the workflow code alone: only that decides
 * whether a running job can go on.
 */
export function workerVersion(
  taskQueue: string,
  { buildId, workflowCode }: { buildId: string | undefined; workflowCode: string },
): WorkerDeploymentVersion {
  return { deploymentName: taskQueue, buildId: buildId ?? codeHash(workflowCode) };
}

/**
 * Every workflow moves to the current version: a parked job may wait for days, and no old worker is kept for it. Said
 * here for all of them, because the server takes no step of a run that names a behaviour itself from a worker without a
 * version (docs/decisions/0020-worker-versions.md).
 */
export function deploymentOptions(version: WorkerDeploymentVersion): WorkerDeploymentOptions {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' };
}

function codeHash(workflowCode: string): string {
  return createHash('sha256').update(workflowCode.replace(sourceMap, '')).digest('hex').slice(0, 16);
}
