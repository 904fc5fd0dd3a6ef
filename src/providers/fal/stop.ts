import type { JsonValue } from '../../domain/taxonomy';
import type { FalApi } from './api';
import { findSubmit, listedRequest, mustHaveEnded } from './find';
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

interface StopOptions {
  api: FalApi;
  platform: FalPlatform;
  signal: AbortSignal;
}

/**
 * Stops a job as its call left it, and looks for it first where its submit was not answered. Never throws.
 */
export async function stopJob(job: UnwantedJob, options: StopOptions): Promise<Stopped> {
  const { dispatch } = job;
  if (dispatch.phase === 'none') return { kind: 'never' };
  if (dispatch.phase === 'accepted') return await stopAccepted(job, dispatch.handle, options);
  try {
    const found = await findSubmit(job, dispatch.clue ?? null, options);
    if (found.kind !== 'accepted') return found;
    return await stopAccepted(job, found.handle, options);
  } catch {
    return { kind: 'cannot_tell', reason: 'Fal could not be asked for the submit' };
  }
}

async function stopAccepted(job: UnwantedJob, recorded: JsonValue, options: StopOptions): Promise<Stopped> {
  const { api, signal } = options;
  const handle = recordedHandle(recorded);
  if (handle === undefined || !api.isOurs(handle))
    return { kind: 'cannot_tell', reason: 'the job is not at the Fal configured now' };
  const word = await cancelWord(api, handle, signal);
  return word === 'NOT_FOUND' ? await endInList(job, handle, options) : stoppedBy(word, handle);
}

/** The queue knows the job no more: the list of those that ended has the last word, and without it the time that has passed. */
async function endInList(
  job: UnwantedJob,
  handle: FalHandle,
  { api, platform, signal }: StopOptions,
): Promise<Stopped> {
  const untold = { kind: 'cannot_tell', reason: 'Fal no longer knows the job' } as const;
  const { requestId, queuedSince, endpoint } = handle;
  if (requestId === undefined || queuedSince === undefined) return untold;
  try {
    const known = { requestId, queuedSince, endpoint };
    const isListed =
      (await platform.canList()) && (await listedRequest(platform, known, signal)) !== undefined;
    if (isListed) return { kind: 'finished', handle: { ...handle, hasEnded: true } };
    const isOver = mustHaveEnded(job, queuedSince, api.settings.settleSeconds);
    return isOver ? { kind: 'stopped', charge: 'price' } : untold;
  } catch {
    return untold;
  }
}

/** Fal's word on a cancellation; `undefined` where it gave none. */
async function cancelWord(api: FalApi, handle: FalHandle, caller: AbortSignal): Promise<string | undefined> {
  const signal = AbortSignal.any([caller, AbortSignal.timeout(cancelSeconds * 1000)]);
  return await api.cancel(handle, { deadlines, signal }).catch(() => undefined);
}

/** Fal bills what ran: a job that left the queue in time costs nothing, one that is told to stop its price. */
function stoppedBy(word: string | undefined, handle: FalHandle): Stopped {
  switch (word) {
    case 'OK':
      return { kind: 'stopped', charge: 'none' };
    case 'CANCELLATION_REQUESTED':
      // A signal to its runner, which may have finished first.
      return { kind: 'stopped', charge: 'price', handle: { ...handle } };
    case 'ALREADY_COMPLETED':
      return { kind: 'finished', handle: { ...handle, hasEnded: true } };
    case undefined:
      return { kind: 'cannot_tell', reason: 'Fal did not say whether it stops the job' };
    default:
      return { kind: 'cannot_tell', reason: 'Fal did not say that it stops the job' };
  }
}
