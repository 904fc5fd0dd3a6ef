import { toProviderError } from '../call-failure';
import { DeadlineExceeded, openCallScope } from '../deadlines';
import { createHttpClient, type HttpClient, type HttpReply } from '../http';
import { discardBody, readJson } from '../read-body';
import { resolveSameOrigin } from '../remote-url';
import { runCall } from '../run-call';
import type {
  CallContext,
  HealthOptions,
  ProviderClient,
  ProviderHealth,
  ProviderJob,
  ProviderResult,
} from '../types';
import { ModalCall } from './call';
import { modalUrl } from './endpoint-url';
import { modalHealthSchema } from './wire';

export interface ModalClientSettings {
  /** Holds `{app}`, such as `https://ryla--{app}-comfyui-fastapi-app.modal.run`. */
  baseUrl: string;
  /** Proxy credentials, sent as a pair; leave both out for public apps. */
  key?: string | undefined;
  secret?: string | undefined;
}

/** The app that is asked when none is named; it has the smallest models. */
const defaultHealthApp = 'ryla-flux';
const healthSeconds = 10;

/**
 * Client for RYLA's Modal apps: one blocking POST per job, answered with raw bytes or with a redirect to a result URL
 * that is then read with GETs. Cold starts of minutes are normal and no failure.
 */
export function createModalClient(settings: ModalClientSettings): ProviderClient {
  const http = createHttpClient();
  const headers = credentialHeaders(settings);
  return {
    provider: 'modal',
    findsLostJobs: false,
    generate: async (job, context) => await generate({ http, headers, settings }, job, context),
    // Nothing stops a call on Modal: it runs to its end and is billed, whether or not anybody reads its result.
    stop: () => Promise.resolve(undefined),
    checkHealth: async (options) => await checkHealth({ http, headers, settings }, options),
  };
}

interface Connection {
  http: HttpClient;
  headers: Readonly<Record<string, string>>;
  settings: ModalClientSettings;
}

async function generate(
  connection: Connection,
  job: ProviderJob,
  context: CallContext,
): Promise<ProviderResult> {
  const { http, headers, settings } = connection;
  const url = modalUrl(settings.baseUrl, job.app, job.endpoint);
  return await runCall(job, context, (signal) => new ModalCall({ http, headers, url, job, context, signal }));
}

async function checkHealth(
  { http, headers, settings }: Connection,
  { signal, app = defaultHealthApp, patienceSeconds = healthSeconds }: HealthOptions,
): Promise<ProviderHealth> {
  const scope = openCallScope(signal, patienceSeconds);
  const deadlines = {
    connectSeconds: healthSeconds / 2,
    firstByteSeconds: patienceSeconds,
    idleSeconds: healthSeconds,
  };
  let status: number | undefined;
  try {
    const url = modalUrl(settings.baseUrl, app, '/health');
    // One from the pool may just have been closed by the server, which is no word on its health.
    const request = { method: 'GET', url, headers, freshConnection: true, deadlines } as const;
    const reply = await http.send({ ...request, signal: scope.signal });
    status = reply.status;
    const detail = `${app} answered ${String(status)}`;
    if (!isBusy(reply)) return { healthy: status === 200 && (await isWell(reply)), status, detail };
    await discardBody(reply);
    return { healthy: true, status, detail };
  } catch (error) {
    const state = { provider: 'modal', stage: 'preparing', resumable: false, blankIs: 'corrupt' } as const;
    const detail = `${app}: ${toProviderError(error, state).message}`;
    const isSilent = status === undefined && error instanceof DeadlineExceeded && error.kind !== 'connect';
    return { healthy: false, status, detail, ...(isSilent && { isSilent }) };
  } finally {
    scope.close();
  }
}

/** Modal's own word, after 150 s, that the request waits for a container. */
function isBusy(reply: HttpReply): boolean {
  const { status, url } = reply;
  const location = status === 302 || status === 303 ? reply.header('location') : undefined;
  return location !== undefined && resolveSameOrigin(location, url) !== undefined;
}

async function isWell(reply: HttpReply): Promise<boolean> {
  return modalHealthSchema.safeParse(await readJson(reply)).data?.status === 'healthy';
}

function credentialHeaders({ key, secret }: ModalClientSettings): Readonly<Record<string, string>> {
  return key !== undefined && secret !== undefined ? { 'modal-key': key, 'modal-secret': secret } : {};
}
