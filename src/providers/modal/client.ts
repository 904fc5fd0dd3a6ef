import type { JsonValue } from '../../domain/taxonomy';
import { runVerb, toProviderError } from '../call-failure';
import { DeadlineExceeded, openCallScope } from '../http/deadlines';
import { ProviderError } from '../errors';
import { createHttpClient, type HttpClient, type HttpReply } from '../http/http';
import { outcomeUnknown } from '../outcome-unknown';
import { discardBody, readJson } from '../http/read-body';
import { resolveSameOrigin } from '../http/remote-url';
import type {
  HealthOptions,
  ProviderClient,
  ProviderHealth,
  ProviderJob,
  Stopped,
  UnwantedJob,
} from '../types';
import { modalUrl } from './endpoint-url';
import { NamedApps } from './named-apps';
import { NamedJobs } from './named-jobs';
import { collectPlain, isPlainHandle, submitPlain, type PlainCallOptions } from './plain-call';
import { modalHealthSchema, namedHandleSchema, namedJobsVersion } from './wire';

export interface ModalClientSettings {
  /** Holds `{app}`, such as `https://ryla--{app}-comfyui-fastapi-app.modal.run`. */
  baseUrl: string;
  /** Proxy credentials, sent as a pair; leave both out for public apps. */
  key?: string | undefined;
  secret?: string | undefined;
  /**
   * `auto`: named jobs at every app that takes them, plain calls elsewhere. `required`: no other call is sent.
   * `off`: plain calls alone. What runs already is collected in its own form. Default `auto`.
   */
  namedJobs?: 'auto' | 'required' | 'off' | undefined;
  /** Told whenever an app says which form it takes: at most once in five minutes of calls to it. */
  onApp?: ((app: { app: string; named: boolean }) => void) | undefined;
}

/** Whether an app takes named jobs; `undefined` when it does not say. */
export interface ModalApp {
  app: string;
  named: boolean | undefined;
}

export interface ModalClient extends ProviderClient {
  /**
   * Asks each of these apps for its health. Never throws.
   *
   * An app that takes plain calls alone answers from a GPU container, which starts for it and costs its seconds.
   */
  apps(names: readonly string[], options: Omit<HealthOptions, 'app'>): Promise<ModalApp[]>;
}

/** The app that is asked when none is named; it has the smallest models. */
const defaultHealthApp = 'ryla-flux';
const healthSeconds = 10;

/**
 * Client for RYLA's Modal apps, in two forms. An app with named jobs takes a job by its name and is asked for it from
 * then on. Any other app has one blocking POST per job, answered with raw bytes or with a redirect to a result URL that is
 * then read with GETs; cold starts of minutes are normal there and no failure.
 */
/** A gateway of named jobs needs no GPU to say what it is. */
const namedAnswerSeconds = 12;

export function createModalClient(settings: ModalClientSettings): ModalClient {
  return new TwoFormClient(settings);
}

class TwoFormClient implements ModalClient {
  readonly provider = 'modal';
  private readonly http: HttpClient = createHttpClient();
  private readonly headers: Readonly<Record<string, string>>;
  private readonly named: NamedJobs;
  private readonly namedApps: NamedApps;

  constructor(private readonly settings: ModalClientSettings) {
    const { http } = this;
    this.headers = credentialHeaders(settings);
    const options = { http, baseUrl: settings.baseUrl, headers: this.headers };
    this.named = new NamedJobs(options);
    this.namedApps = new NamedApps({ ...options, onApp: settings.onApp });
  }

  async submit(...[job, context]: Parameters<ProviderClient['submit']>) {
    if (!(await this.takesNames(job, context.signal))) return await submitPlain(this.plain(job), context);
    try {
      return await this.named.submit(job, context);
    } catch (error) {
      // It may have been deployed without them.
      if (isRouteMissing(error)) this.namedApps.forget(job.app);
      throw error;
    }
  }

  async find(...[job, clue, context]: Parameters<ProviderClient['find']>) {
    return await this.named.find(job, clue, context);
  }

  async collect(...[job, handle, context]: Parameters<ProviderClient['collect']>) {
    return isNamedHandle(handle)
      ? await this.named.collect(job, handle, context)
      : await collectPlain(this.plain(job), handle, context);
  }

  async stop(job: UnwantedJob, options: { signal: AbortSignal }): Promise<Stopped> {
    const { dispatch } = job;
    if (dispatch.phase !== 'accepted' || isNamedHandle(dispatch.handle))
      return await this.named.stop(job, options);
    // Nothing stops a plain call: it runs to its end and is billed, whether or not anybody reads its result.
    if (isPlainHandle(dispatch.handle)) return { kind: 'unstoppable', handle: dispatch.handle };
    return { kind: 'cannot_tell', reason: outcomeUnknown('modal').message };
  }

  goesByKey(way: JsonValue): boolean {
    return isNamedHandle(way);
  }

  async checkHealth(options: HealthOptions): Promise<ProviderHealth> {
    const health = await checkHealth(this.http, this.headers, this.settings, options);
    const { app = defaultHealthApp } = options;
    if (health.named !== undefined) this.namedApps.learn(app, health.named);
    return health;
  }

  async apps(names: readonly string[], options: Omit<HealthOptions, 'app'>): Promise<ModalApp[]> {
    const asked = names.map(async (app) => {
      const { named } = await this.checkHealth({ ...options, app });
      return { app, named };
    });
    return await Promise.all(asked);
  }

  private async takesNames(job: ProviderJob, signal: AbortSignal): Promise<boolean> {
    const { namedJobs = 'auto' } = this.settings;
    if (namedJobs === 'off') return false;
    const state = { provider: 'modal', stage: 'preparing', blankIs: 'corrupt' } as const;
    // A plain app answers from a GPU container that may have to start.
    const isSurelyNamed = namedJobs === 'required' || this.namedApps.wasNamed(job.app);
    const patience = isSurelyNamed ? namedAnswerSeconds : job.deadlines.firstByteSeconds;
    const isNamed = await runVerb(signal, state, () => this.namedApps.isNamed(job.app, patience, signal));
    if (isNamed || namedJobs === 'auto') return isNamed;
    const advice = 'deploy it with the package in modal/, or set MODAL_NAMED_JOBS to auto';
    throw new ProviderError(`the Modal app ${String(job.app)} takes no named jobs: ${advice}`, {
      ...{ provider: 'modal', code: 'named_jobs_missing', outcome: 'nothing_sent' },
    });
  }

  private plain(job: ProviderJob): PlainCallOptions {
    const url = modalUrl(this.settings.baseUrl, job.app, job.endpoint);
    return { http: this.http, headers: this.headers, url, job };
  }
}

function isNamedHandle(handle: JsonValue): boolean {
  return namedHandleSchema.safeParse(handle).success;
}

function isRouteMissing(error: unknown): boolean {
  return error instanceof ProviderError && error.code === 'route_missing';
}

async function checkHealth(
  http: HttpClient,
  headers: Readonly<Record<string, string>>,
  { baseUrl }: ModalClientSettings,
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
    const url = modalUrl(baseUrl, app, '/health');
    // One from the pool may just have been closed by the server, which is no word on its health.
    const request = { method: 'GET', url, headers, freshConnection: true, deadlines } as const;
    const reply = await http.send({ ...request, signal: scope.signal });
    status = reply.status;
    const detail = `${app} answered ${String(status)}`;
    if (!isBusy(reply)) return { status, detail, ...(await healthIn(reply)) };
    await discardBody(reply);
    return { healthy: true, status, detail };
  } catch (error) {
    const state = { provider: 'modal', stage: 'preparing', blankIs: 'corrupt' } as const;
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

async function healthIn(reply: HttpReply): Promise<Pick<ProviderHealth, 'healthy' | 'named'>> {
  const health = modalHealthSchema.safeParse(await readJson(reply)).data;
  if (reply.status !== 200 || health?.status !== 'healthy') return { healthy: false };
  return { healthy: true, named: health.namedJobs === namedJobsVersion };
}

function credentialHeaders({ key, secret }: ModalClientSettings): Readonly<Record<string, string>> {
  return key !== undefined && secret !== undefined ? { 'modal-key': key, 'modal-secret': secret } : {};
}
