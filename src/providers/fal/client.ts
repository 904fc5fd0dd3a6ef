import { toProviderError, type CallState } from '../call-failure';
import { openCallScope } from '../http/deadlines';
import { createHttpClient, type HttpClient } from '../http/http';
import { discardBody } from '../http/read-body';
import type { FindContext, Found, ProviderClient, ProviderHealth, ProviderJob } from '../types';
import type { JsonValue } from '../../domain/taxonomy';
import { FalApi, trimmed, type FalClientSettings } from './api';
import { collectJob } from './collect';
import { findSubmit } from './find';
import { FalPlatform } from './platform';
import { FalPrices } from './prices';
import { stopJob } from './stop';
import { submitJob } from './submit';
import { recordedHandle } from './wire';

export type { FalCallbacks, FalClientSettings, UnitPrice } from './api';

export interface FalClient extends ProviderClient {
  /**
   * Asks once whether our key may list requests, and says so by `onCannotList` where it may not. The first submit asks
   * by itself. Never throws.
   */
  checkListing(): Promise<void>;
}

const healthSeconds = 10;
/** Nobody's request: Fal answers that it does not know it. */
const unknownRequestPath = 'fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status';

/** Client for Fal's queue. Never sends anything with the safety checker off. */
export function createFalClient(settings: FalClientSettings): FalClient {
  const http = createHttpClient();
  const api = new FalApi(http, settings);
  const platform = new FalPlatform(api);
  const prices = new FalPrices(platform, (endpoint) => settings.tablePrice?.(endpoint));
  return {
    provider: 'fal',
    submit: async (job, context) => {
      prices.refresh(job.endpoint);
      return await submitJob(job, context, { api, platform });
    },
    find: async (job, clue, context) => await find(job, clue, context, { api, platform }),
    collect: async (job, handle, context) =>
      await collectJob(handle, { api, platform, prices, job, context }),
    stop: async (job, { signal }) => await stopJob(job, { api, platform, signal }),
    goesByKey: (way) => recordedHandle(way)?.foundByKey === true,
    checkHealth: async ({ signal }) => await checkHealth(http, settings, signal),
    checkListing: async () => {
      await platform.canList();
    },
  };
}

async function find(
  job: ProviderJob,
  clue: JsonValue,
  { signal }: FindContext,
  parts: { api: FalApi; platform: FalPlatform },
): Promise<Found> {
  try {
    return await findSubmit(job, clue, { ...parts, signal });
  } catch (error) {
    signal.throwIfAborted();
    const state: CallState = { provider: 'fal', stage: 'accepted', blankIs: 'policy' };
    // Whatever kept us from asking says nothing about the submit itself.
    throw toProviderError(error, state).with({ outcome: 'nobody_knows' });
  }
}

/** Healthy: Fal answers and takes our key. */
async function checkHealth(
  http: HttpClient,
  settings: FalClientSettings,
  signal: AbortSignal,
): Promise<ProviderHealth> {
  const scope = openCallScope(signal, healthSeconds);
  const limits = {
    connectSeconds: healthSeconds,
    firstByteSeconds: healthSeconds,
    idleSeconds: healthSeconds,
  };
  const url = `${trimmed(settings.queueUrl)}/${unknownRequestPath}`;
  const headers = { authorization: `Key ${settings.key}` };
  try {
    // One from the pool may just have been closed by the server, which is no word on its health.
    const request = { method: 'GET', url, headers, freshConnection: true } as const;
    const reply = await http.send({ ...request, deadlines: limits, signal: scope.signal });
    await discardBody(reply);
    const healthy = reply.status < 500 && reply.status !== 401 && reply.status !== 403;
    return { healthy, status: reply.status, detail: `the queue answered ${String(reply.status)}` };
  } catch (error) {
    const state: CallState = { provider: 'fal', stage: 'preparing', blankIs: 'policy' };
    return { healthy: false, detail: toProviderError(error, state).message };
  } finally {
    scope.close();
  }
}
