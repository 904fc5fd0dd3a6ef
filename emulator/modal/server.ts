import * as errors from './errors';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, jsonAnswer } from '../http/answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { bodyText, createHttpApp } from '../http/http-app';
import { type Reaction, route } from '../http/reaction';
import { lostAcceptance, simpleFaultAnswer } from '../faults/simple-faults';
import { CallReader } from './call-reader';
import { CallRegister } from './calls';
import { type ModalEndpoint, modalApps } from './endpoints';
import { LoraVolume } from './loras';
import type { ModalCall } from './modal-call';
import { NamedJobRoutes } from './named-job-routes';
import { NamedJobs } from './named-jobs';
import { readBody } from './read-body';
import { callIdParameter } from './redirect';
import { RouteRunner, promptOf } from './route-runner';
import type { EmulatorSettings } from '../settings';
import { invalidCredentials, missingCredentials } from './errors';

/** The emulated Modal workspace: every app below one origin, as `/{app}{path}`. */
export class ModalServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly loras = new LoraVolume();
  readonly #context: EmulatorContext;
  readonly #runner: RouteRunner;
  readonly #calls: CallRegister;
  readonly #reader: CallReader;
  readonly #namedJobs: NamedJobs;
  readonly #namedJobRoutes: NamedJobRoutes;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#runner = new RouteRunner(context, this.loras);
    this.#calls = new CallRegister(context, this.#runner);
    this.#reader = new CallReader(context);
    this.#namedJobs = new NamedJobs(context, this.#runner);
    this.#namedJobRoutes = new NamedJobRoutes(context, this.#namedJobs);
    this.app.all(
      '/*',
      route((request, reply) => this.#handle(request, reply)),
    );
  }

  /** A plain call hangs on the request that made it; a named job goes on behind its unreachable gateway. */
  powerOff(): void {
    this.#calls.loseRunning();
  }

  reset(): void {
    this.#calls.reset();
    this.#namedJobs.reset();
    this.#runner.reset();
    this.loras.reset();
  }

  async #handle(request: FastifyRequest, reply: FastifyReply): Promise<Reaction> {
    const { app, path, callId } = parseUrl(request.url);
    const denied = denyAccess(request, this.#context.settings.current.proxyAuth);
    if (denied !== undefined) return this.#rejected({ app, path }, denied);
    if (!modalApps.has(app)) return this.#rejected({ app, path }, errors.unknownFunction);
    if (callId !== null) return await this.#readResult(request, reply, callId);
    const information = request.method === 'GET' ? await this.#information(app, path) : undefined;
    if (information !== undefined) return information;
    if (this.#isNamed(app) && path.startsWith('/jobs/')) {
      return await this.#namedJobRoutes.handle(request, reply, app, path);
    }
    const endpoint = errors.findRoute(app, path);
    if ('status' in endpoint) return this.#rejected({ app, path }, endpoint);
    if (request.method !== 'POST') return this.#rejected(endpoint, errors.methodNotAllowed);
    const call = await this.#startCall(endpoint, request);
    if (call === 'reset') return call;
    if ('status' in call) return this.#rejected(endpoint, call);
    return lostAcceptance(call.fault) ?? (await this.#reader.read(call, request, reply));
  }

  /** The call a POST starts, or how it is turned away before any work. */
  async #startCall(endpoint: ModalEndpoint, request: FastifyRequest): Promise<ModalCall | Answer | 'reset'> {
    const body = readBody(bodyText(request.body));
    const prompt = typeof body === 'string' ? '' : promptOf(body);
    const subject = { endpoint: endpoint.path, app: endpoint.app, prompt };
    const fault = this.#context.faults.take('modal', 'call', subject);
    if (fault?.name === 'reset_before_headers') return 'reset';
    const order = await this.#runner.check(endpoint, body, fault);
    return 'status' in order ? order : this.#calls.start(order);
  }

  async #readResult(request: FastifyRequest, reply: FastifyReply, callId: string): Promise<Reaction> {
    if (request.method !== 'GET') return errors.badRedirectMethod;
    const call = this.#calls.find(callId);
    if (call === undefined) return errors.unknownFunction;
    const { endpoint } = call;
    const fault = this.#context.faults.take('modal', 'poll', { endpoint: endpoint.path, app: endpoint.app });
    const simple = simpleFaultAnswer('modal', fault);
    if (simple !== undefined) return simple;
    if (fault?.name === 'reset_before_headers' || call.resetsLeft > 0) {
      call.resetsLeft = Math.max(0, call.resetsLeft - 1);
      return 'reset';
    }
    return await this.#reader.read(call, request, reply, fault);
  }

  async #information(app: string, path: string): Promise<Answer | undefined> {
    if (path === '/loras' && app === 'ryla-flux') {
      const loras = this.loras.list().map((name) => ({ name, path: `/root/models/loras/${name}` }));
      return jsonAnswer(200, { loras, count: loras.length });
    }
    if (path !== '/health') return undefined;
    const headers = { 'access-control-allow-origin': '*' };
    // The gateway knows how it is without asking a GPU container.
    if (this.#isNamed(app)) return jsonAnswer(200, { status: 'healthy', app, namedJobs: 1 }, headers);
    const scale = this.#context.settings.current.timeScale;
    // Asking for health boots a container: slow when the app is cold.
    await sleep(this.#runner.coldStartSeconds(app) * scale * 1000, undefined, { ref: false });
    return jsonAnswer(200, { status: 'healthy', app }, headers);
  }

  #isNamed(app: string): boolean {
    const { jobs, plainApps } = this.#context.settings.current.modal;
    return jobs === 'named' && !plainApps.includes(app);
  }

  #rejected({ app, path }: { app: string; path: string }, answer: Answer): Answer {
    const reason = answer.body.toString('utf8').slice(0, 300);
    this.#context.journal.reject({ provider: 'modal', endpoint: path, app, status: answer.status, reason });
    return answer;
  }
}

function parseUrl(url: string): { app: string; path: string; callId: string | null } {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, app = '', ...rest] = pathname.split('/');
  return { app, path: `/${rest.join('/')}`, callId: searchParams.get(callIdParameter) };
}

/** The 401 of a request without the proxy credentials that are asked for. */
function denyAccess(request: FastifyRequest, expected: EmulatorSettings['proxyAuth']): Answer | undefined {
  if (expected === null) return undefined;
  const { 'modal-key': key, 'modal-secret': secret } = request.headers;
  if (key === undefined || secret === undefined) return missingCredentials;
  return key === expected.key && secret === expected.secret ? undefined : invalidCredentials;
}
