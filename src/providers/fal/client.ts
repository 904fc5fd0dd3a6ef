import { toProviderError } from '../call-failure';
import { openCallScope } from '../deadlines';
import { createHttpClient, type HttpClient } from '../http';
import { discardBody } from '../read-body';
import { runCall } from '../run-call';
import type { ProviderClient, ProviderHealth } from '../types';
import { FalApi, type FalClientSettings } from './api';
import { FalCall } from './call';
import { stopJob } from './cancel';

export type { FalClientSettings };

const healthSeconds = 10;
/** Nobody's request: Fal answers that it does not know it. */
const unknownRequestPath = 'fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status';

/** Client for Fal's queue. Never sends anything with the safety checker off. */
export function createFalClient(settings: FalClientSettings): ProviderClient {
  const http = createHttpClient();
  const api = new FalApi(http, settings);
  return {
    provider: 'fal',
    findsLostJobs: false,
    generate: async (job, context) =>
      await runCall(job, context, (signal) => new FalCall({ api, job, context, signal })),
    stop: async ({ dispatch }, { signal }) => await stopJob(api, dispatch, signal),
    checkHealth: async ({ signal }) => await checkHealth(http, settings, signal),
  };
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
  const url = `${settings.queueUrl.replace(/\/+$/, '')}/${unknownRequestPath}`;
  const headers = { authorization: `Key ${settings.key}` };
  try {
    // One from the pool may just have been closed by the server, which is no word on its health.
    const request = { method: 'GET', url, headers, freshConnection: true } as const;
    const reply = await http.send({ ...request, deadlines: limits, signal: scope.signal });
    await discardBody(reply);
    const healthy = reply.status < 500 && reply.status !== 401 && reply.status !== 403;
    return { healthy, status: reply.status, detail: `the queue answered ${String(reply.status)}` };
  } catch (error) {
    const state = { provider: 'fal', stage: 'preparing', resumable: false, blankIs: 'policy' } as const;
    return { healthy: false, detail: toProviderError(error, state).message };
  } finally {
    scope.close();
  }
}
