import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, textAnswer, type Answer } from '../answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { deliver, isTransportFault, reset } from '../deliver';
import { describeBody } from '../describe-body';
import type { Fault } from '../faults';
import { bodyText, createHttpApp } from '../http-app';
import { simpleFaultAnswer } from '../simple-faults';
import { CallRegister, promptOf, type ModalCall } from './calls';
import { checkRequest, readBody } from './check-request';
import { modalApps, modalEndpoints, unsupportedPaths, type ModalEndpoint } from './endpoints';
import * as errors from './errors';
import { fixedFaultAnswer } from './fixed-faults';
import { LoraVolume } from './loras';

const callIdParameter = '__modal_function_call_id';

/** The emulated Modal workspace: every app below one origin, as `/{app}{path}`. */
export class ModalServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly loras = new LoraVolume();
  readonly #context: EmulatorContext;
  readonly #calls: CallRegister;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#calls = new CallRegister(context);
    this.app.all('/*', async (request, reply) => {
      await this.#handle(request, reply);
    });
  }

  powerOff(): void {
    this.#calls.loseRunning();
  }

  reset(): void {
    this.#calls.reset();
    this.loras.reset();
  }

  async #handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { app, path, callId } = parseUrl(request.url);
    const denied = this.#denied(request);
    if (denied !== undefined) return void (await deliver(reply, denied));
    if (!modalApps.has(app)) return await this.#reject(reply, { app, path }, errors.unknownFunction);
    if (callId !== null) return await this.#readResult(request, reply, callId);
    const info = await this.#information(request.method, app, path);
    if (info !== undefined) return void (await deliver(reply, info));
    if (unsupportedPaths[path] === app) {
      return await this.#reject(reply, { app, path }, errors.unsupported(path));
    }
    const endpoint = modalEndpoints.find((candidate) => candidate.app === app && candidate.path === path);
    if (endpoint === undefined) return await this.#reject(reply, { app, path }, errors.notFound);
    if (request.method !== 'POST') return await this.#reject(reply, endpoint, errors.methodNotAllowed);
    await this.#call(endpoint, request, reply);
  }

  async #call(endpoint: ModalEndpoint, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const body = readBody(bodyText(request.body));
    const prompt = typeof body === 'string' ? '' : promptOf(body);
    const subject = { endpoint: endpoint.path, app: endpoint.app, prompt };
    const fault = this.#context.faults.take('modal', 'call', subject);
    if (fault?.name === 'reset_before_headers') {
      reply.hijack();
      return void reset(reply.raw);
    }
    const fixed = fixedFaultAnswer(endpoint, fault);
    if (fixed !== undefined) return await this.#reject(reply, endpoint, fixed);
    if (typeof body === 'string') return await this.#reject(reply, endpoint, unreadable(endpoint, body));
    const checked = await checkRequest(endpoint, body, this.loras);
    if ('status' in checked) return await this.#reject(reply, endpoint, checked);
    const call = this.#calls.start({
      endpoint,
      request: checked,
      body,
      described: describeBody(body),
      fault,
    });
    await this.#answerCall(call, request, reply);
  }

  async #readResult(request: FastifyRequest, reply: FastifyReply, callId: string): Promise<void> {
    if (request.method !== 'GET') return void (await deliver(reply, errors.badRedirectMethod));
    const call = this.#calls.find(callId);
    if (call === undefined) return void (await deliver(reply, errors.unknownFunction));
    const { endpoint } = call;
    const subject = { endpoint: endpoint.path, app: endpoint.app };
    const fault = this.#context.faults.take('modal', 'poll', subject);
    const simple = simpleFaultAnswer('modal', fault);
    if (simple !== undefined) return void (await deliver(reply, simple));
    if (fault?.name === 'reset_before_headers' || call.resetsLeft > 0) {
      call.resetsLeft = Math.max(0, call.resetsLeft - 1);
      reply.hijack();
      return void reset(reply.raw);
    }
    await this.#answerCall(call, request, reply, fault);
  }

  /** Blocks until the call ends, the time limit of one request passes, or the client leaves. */
  async #answerCall(
    call: ModalCall,
    request: FastifyRequest,
    reply: FastifyReply,
    pollFault?: Fault,
  ): Promise<void> {
    if (call.fault?.name === 'submit_lost' && request.method === 'POST') {
      reply.hijack();
      return void reset(reply.raw);
    }
    if (call.redirectsLeft > 0) {
      call.redirectsLeft -= 1;
      return void (await deliver(reply, this.#redirect(call, request, true)));
    }
    const answer = await this.#waitFor(call, reply);
    if (answer === 'pending') return void (await deliver(reply, this.#redirect(call, request, false)));
    if (answer === undefined) {
      reply.hijack();
      return void reset(reply.raw);
    }
    const fault = pollFault ?? spendTransportFault(call);
    const delivered = await deliver(reply, answer, fault);
    if (delivered && fault === undefined && answer.status === 200) call.entry.responseDelivered = true;
  }

  async #waitFor(call: ModalCall, reply: FastifyReply): Promise<Answer | 'pending' | undefined> {
    const { settings, clock } = this.#context;
    const limit = new AbortController();
    reply.raw.once('close', () => {
      limit.abort();
    });
    const timeout = clock
      .wait(settings.current.modal.redirectAfterSeconds, limit.signal)
      .then(() => 'pending' as const)
      .catch(() => undefined);
    // The limit is about the provider's time: on a fast clock, our own drawing must not count against it.
    const early = await Promise.race([call.worked, timeout]);
    limit.abort();
    return early === 'pending' ? early : await call.settled;
  }

  #redirect(call: ModalCall, request: FastifyRequest, planned: boolean): Answer {
    const { pendingStatus, redirectLocation } = this.#context.settings.current.modal;
    const query = `?${callIdParameter}=${call.id}`;
    const own = `http://${request.headers.host ?? 'localhost'}`;
    const path = `/${call.endpoint.app}${call.endpoint.path}`;
    const fault = planned ? call.fault : undefined;
    if (fault?.name === 'accepted_202') return jsonAnswer(202, { result_url: `${own}${path}${query}` });
    if (fault?.name === 'redirect_no_location') return { status: 303, headers: {}, body: Buffer.alloc(0) };
    const polled = request.method === 'GET' && !planned;
    if (polled && pendingStatus === 408) return textAnswer(408, 'modal-http: request timed out');
    const foreign = fault?.name === 'redirect_foreign' ? (fault.params.origin ?? foreignOrigin) : undefined;
    const relative = foreign === undefined && redirectLocation === 'relative';
    const location = relative ? query : `${foreign ?? own}${path}${query}`;
    return { status: polled ? pendingStatus : 303, headers: { location }, body: Buffer.alloc(0) };
  }

  #denied(request: FastifyRequest): Answer | undefined {
    const { proxyAuth } = this.#context.settings.current;
    if (proxyAuth === null) return undefined;
    const { 'modal-key': key, 'modal-secret': secret } = request.headers;
    if (key === undefined || secret === undefined) return errors.missingCredentials;
    return key === proxyAuth.key && secret === proxyAuth.secret ? undefined : errors.invalidCredentials;
  }

  async #information(method: string, app: string, path: string): Promise<Answer | undefined> {
    if (method !== 'GET') return undefined;
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

  async #reject(reply: FastifyReply, where: { app: string; path: string }, answer: Answer): Promise<void> {
    const { app, path } = where;
    const reason = answer.body.toString('utf8').slice(0, 300);
    this.#context.journal.reject({ provider: 'modal', endpoint: path, app, status: answer.status, reason });
    await deliver(reply, answer);
  }
}

/** A name that never resolves: a client that follows it anyway shows up as a failed look-up. */
const foreignOrigin = 'http://elsewhere.invalid';

function spendTransportFault(call: ModalCall): Fault | undefined {
  if (call.transportFaultSpent || !isTransportFault(call.fault)) return undefined;
  call.transportFaultSpent = true;
  return call.fault;
}

function unreadable(endpoint: ModalEndpoint, problem: 'not-json' | 'not-an-object'): Answer {
  return problem === 'not-json'
    ? errors.caughtException(endpoint, 'JSONDecodeError', 'Expecting value: line 1 column 1 (char 0)')
    : errors.caughtException(endpoint, 'AttributeError', "'list' object has no attribute 'get'");
}

function parseUrl(url: string): { app: string; path: string; callId: string | null } {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, app = '', ...rest] = pathname.split('/');
  return { app, path: `/${rest.join('/')}`, callId: searchParams.get(callIdParameter) };
}
