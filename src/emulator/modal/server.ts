import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, type Answer } from '../answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { describeBody } from '../describe-body';
import { bodyText, createHttpApp } from '../http-app';
import { route, type Reaction } from '../reaction';
import { lostAcceptance, simpleFaultAnswer } from '../simple-faults';
import { CallReader } from './call-reader';
import { CallRegister, promptOf } from './calls';
import { checkRequest } from './check-request';
import { modalApps, modalEndpoints, unsupportedPaths, type ModalEndpoint } from './endpoints';
import * as errors from './errors';
import { fixedFaultAnswer } from './fixed-faults';
import { LoraVolume } from './loras';
import type { ModalCall } from './modal-call';
import { denyAccess } from './proxy-auth';
import { readBody } from './read-body';
import { callIdParameter } from './redirect';

/** The emulated Modal workspace: every app below one origin, as `/{app}{path}`. */
export class ModalServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly loras = new LoraVolume();
  readonly #context: EmulatorContext;
  readonly #calls: CallRegister;
  readonly #reader: CallReader;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#calls = new CallRegister(context);
    this.#reader = new CallReader(context);
    this.app.all(
      '/*',
      route((request, reply) => this.#handle(request, reply)),
    );
  }

  powerOff(): void {
    this.#calls.loseRunning();
  }

  reset(): void {
    this.#calls.reset();
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
    if (unsupportedPaths[path] === app) return this.#rejected({ app, path }, errors.unsupported(path));
    const endpoint = modalEndpoints.find((candidate) => candidate.app === app && candidate.path === path);
    if (endpoint === undefined) return this.#rejected({ app, path }, errors.notFound);
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
    const fixed = fixedFaultAnswer(endpoint, fault);
    if (fixed !== undefined) return fixed;
    if (typeof body === 'string') return errors.unreadableBody(endpoint, body);
    const checked = await checkRequest(endpoint, body, this.loras);
    if ('status' in checked) return checked;
    return this.#calls.start({ endpoint, request: checked, body, described: describeBody(body), fault });
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
    const scale = this.#context.settings.current.timeScale;
    // Asking for health boots a container: slow when the app is cold.
    await sleep(this.#calls.coldStartSeconds(app) * scale * 1000, undefined, { ref: false });
    return jsonAnswer(200, { status: 'healthy', app }, { 'access-control-allow-origin': '*' });
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
