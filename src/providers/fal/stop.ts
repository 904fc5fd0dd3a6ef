import type { FalApi } from './api';
import { findSubmit } from './find';
import type { FalPlatform } from './platform';
import type { Stopped, UnwantedJob } from '../types';
import { recordedHandle, type FalHandle } from './wire';

/** Each of the limits of a cancellation, and all of it. */
const cancelSeconds = 5;
const deadlines = {
  connectSeconds: cancelSeconds,
  firstByteSeconds: cancelSeconds,
  idleSeconds: cancelSeconds,
};

/**
 * Stops a job as its call left it, and looks for it first where its submit was not answered. Never throws.
 */
export async function stopJob(
  job: UnwantedJob,
  { api, platform, signal }: { api: FalApi; platform: FalPlatform; signal: AbortSignal },
): Promise<Stopped> {
  const { dispatch } = job;
  if (dispatch.phase === 'none') return { kind: 'never' };
  if (dispatch.phase === 'accepted') return await stopAccepted(recordedHandle(dispatch.handle), api, signal);
  try {
    const found = await findSubmit(job, dispatch.clue ?? null, { api, platform, signal });
    if (found.kind !== 'accepted') return found;
    return await stopAccepted(recordedHandle(found.handle), api, signal);
  } catch {
    return { kind: 'cannot_tell', reason: 'Fal could not be asked for the submit' };
  }
}

async function stopAccepted(
  handle: FalHandle | undefined,
  api: FalApi,
  signal: AbortSignal,
): Promise<Stopped> {
  if (handle === undefined || !api.isOurs(handle))
    return { kind: 'cannot_tell', reason: 'the job is not at the Fal configured now' };
  return await cancelJob(api, handle, signal);
}

/**
 * Tells Fal to cancel a job, with limits of its own: the call's signal may long have been aborted. Never throws.
 *
 * Fal bills what ran: a job that left the queue in time costs nothing, one that is told to stop its price.
 */
export async function cancelJob(api: FalApi, handle: FalHandle, caller?: AbortSignal): Promise<Stopped> {
  const timeout = AbortSignal.timeout(cancelSeconds * 1000);
  const signal = caller === undefined ? timeout : AbortSignal.any([caller, timeout]);
  const word = await api.cancel(handle, { deadlines, signal }).catch(() => undefined);
  switch (word) {
    case 'OK':
      return { kind: 'stopped', charge: 'none' };
    case 'CANCELLATION_REQUESTED':
      return { kind: 'stopped', charge: 'price' };
    case 'ALREADY_COMPLETED':
      return { kind: 'finished', handle: { ...handle, hasEnded: true } };
    case undefined:
      return { kind: 'cannot_tell', reason: 'Fal did not say whether it stops the job' };
    default:
      return { kind: 'cannot_tell', reason: 'Fal did not say that it stops the job' };
  }
}
