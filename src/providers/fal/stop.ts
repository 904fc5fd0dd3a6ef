import type { ProviderCharge } from '../errors';
import type { DispatchState } from '../types';
import type { FalApi } from './api';
import { recordedHandle, type FalHandle } from './wire';

/** Each of the limits of a cancellation, and all of it. */
const cancelSeconds = 5;
const deadlines = {
  connectSeconds: cancelSeconds,
  firstByteSeconds: cancelSeconds,
  idleSeconds: cancelSeconds,
};

/**
 * Cancels a job, with limits of its own: the call's signal may long have been aborted. Never throws.
 *
 * @returns Fal's word on it, such as `ALREADY_COMPLETED`; `undefined` when none came, and then the job may go on.
 */
export async function cancelJob(
  api: FalApi,
  handle: FalHandle,
  caller?: AbortSignal,
): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(cancelSeconds * 1000);
  const signal = caller === undefined ? timeout : AbortSignal.any([caller, timeout]);
  return await api.cancel(handle, { deadlines, signal }).catch(() => undefined);
}

/** Cancels a job as its call left it; see `ProviderClient.stop`. */
export async function stopJob(
  api: FalApi,
  dispatch: DispatchState,
  caller: AbortSignal,
): Promise<ProviderCharge | undefined> {
  const handle = dispatch.phase === 'accepted' ? recordedHandle(dispatch.handle) : undefined;
  if (handle === undefined || !api.isOurs(handle)) return undefined;
  return chargeOfCancel(await cancelJob(api, handle, caller));
}

/** Fal bills what ran: a job that left the queue in time costs nothing, one that is told to stop its price. */
export function chargeOfCancel(word: string | undefined): ProviderCharge | undefined {
  if (word === 'OK') return 'none';
  return word === 'CANCELLATION_REQUESTED' || word === 'ALREADY_COMPLETED' ? 'price' : undefined;
}
