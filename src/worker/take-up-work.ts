import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Settings } from '../config/env';
import { currentBuildId, setCurrentVersion, type DeploymentServer } from './versions/current-version';

/** Longest wait for this worker's own pollers, which are there within a second. */
const promoteTimeoutMs = 60_000;

/**
 * Call it once the workers run: resolves when work reaches them, or would as soon as somebody makes their version the
 * current one. Says in the log what stands between them and the work.
 *
 * @throws Error when the version of this worker cannot be made the current one although it shall.
 */
export async function takeUpWork(
  server: DeploymentServer,
  version: WorkerDeploymentVersion,
  { mode, logger }: { mode: Settings['versioning']['mode']; logger: Pick<Logger, 'info' | 'warn'> },
): Promise<void> {
  if (mode === 'promote') {
    await setCurrentVersion(server, version, { timeoutMs: promoteTimeoutMs, allowRemovedQueues: true });
  }
  const current = await currentBuildId(server, version.deploymentName);
  if (mode === 'off') {
    if (current !== undefined) logger.warn({ current }, 'no work for a worker without a version');
    return;
  }
  logger.info({ ...version, current }, 'worker version');
  if (current !== version.buildId)
    logger.warn({ ...version, current }, 'no work before this version is current');
}
