import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, bytesAnswer, jsonAnswer } from '../http/answer';
import { EraEnded } from '../clock';
import type { EmulatorContext } from '../context';
import { isRecord } from '../http/describe-body';
import type { FaultStage } from '../faults/fault-catalogue';
import type { Fault } from '../faults/faults';
import { bodyText } from '../http/http-app';
import type { Reaction } from '../http/reaction';
import { lostAcceptance, simpleFaultAnswer } from '../faults/simple-faults';
import type { NamedJob, NamedOrder } from './named-job';
import type { NamedJobs } from './named-jobs';
import { promptOf } from './route-runner';

/** What every request below `/jobs/{key}` is about. */
interface Asked {
  app: string;
  key: string;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** The requests for named jobs, `/{app}/jobs/{key}`: what the gateway of each app answers. */
export class NamedJobRoutes {
  readonly #context: EmulatorContext;
  readonly #jobs: NamedJobs;

  constructor(context: EmulatorContext, jobs: NamedJobs) {
    this.#context = context;
    this.#jobs = jobs;
  }

  /** @param path below the app, beginning with `/jobs/` */
  async handle(request: FastifyRequest, reply: FastifyReply, app: string, path: string): Promise<Reaction> {
    const [, , rawKey = '', ...rest] = path.split('/');
    const key = decode(rawKey);
    if (!/^[A-Za-z0-9._:-]{1,200}$/.test(key)) {
      return badRequest('A key is 1 to 200 of A-Z a-z 0-9 . _ : -');
    }
    const asked = { app, key, request, reply };
    switch ([request.method, ...rest].join(' ')) {
      case 'PUT':
        return await this.#put(asked);
      case 'GET':
        return await this.#state(asked);
      case 'GET result':
        return this.#result(asked);
      case 'DELETE':
        return await this.#delete(asked);
      case 'POST void':
        return this.#void(asked);
      default:
        return badRequest('Not a route of the named jobs');
    }
  }

  async #put({ app, key, request }: Asked): Promise<Reaction> {
    const order = readOrder(bodyText(request.body));
    if (order === undefined) {
      return this.#refused(app, key, '/jobs', badRequest('Send {"path": "/route", "body": {...}}'));
    }
    const prompt = isRecord(order.body) ? promptOf(order.body) : '';
    const fault = this.#context.faults.take('modal', 'put', { endpoint: order.path, app, prompt });
    const simple = simpleFaultAnswer('modal', fault);
    if (simple !== undefined) return this.#refused(app, key, order.path, simple);
    if (fault?.name === 'reset_before_headers' || fault?.name === 'put_lost_before_claim') return 'reset';
    if (fault?.name === 'late_put') {
      void this.#acceptLate(app, key, order, fault.params.seconds ?? 5);
      return 'reset';
    }
    return await this.#accept(app, key, order, fault);
  }

  async #accept(app: string, key: string, order: NamedOrder, fault?: Fault): Promise<Reaction> {
    const claim = await this.#jobs.claim(app, key, order);
    if (claim === 'voided') return this.#refused(app, key, order.path, voided(key));
    if (claim === 'other_body') return this.#refused(app, key, order.path, otherBody(key));
    const { job, isNew } = claim;
    if (fault?.name === 'gateway_dies_before_spawn') return 'reset';
    this.#jobs.spawn(job);
    if (fault?.name === 'put_lost_after_claim') return 'reset';
    const answer = jsonAnswer(isNew ? 202 : 200, job.view(this.#isStuck(job)));
    return lostAcceptance(fault) ?? { answer, fault };
  }

  /** The request has left its sender and is still on its way. */
  async #acceptLate(app: string, key: string, order: NamedOrder, seconds: number): Promise<void> {
    try {
      await this.#context.clock.wait(seconds);
      await this.#accept(app, key, order);
    } catch (error) {
      if (!(error instanceof EraEnded)) throw error;
    }
  }

  async #state({ app, key, request, reply }: Asked): Promise<Reaction> {
    const job = this.#jobs.find(app, key);
    const fault = this.#take('state', app, job);
    const struck = before(fault);
    if (struck !== undefined) return struck;
    if (typeof job !== 'object') return unknown(key, job);
    const wait = waitSeconds(request);
    if (wait === undefined) return badRequest('`wait` must be a number of seconds from 0 to 60');
    this.#jobs.spawn(job);
    if (fault?.name === 'state_stuck')
      job.stuckSeconds = Math.max(job.stuckSeconds, fault.params.seconds ?? 0);
    const isHidden = fault?.name === 'state_stuck' && fault.params.seconds === undefined;
    try {
      await this.#waitForEnd(job, wait, isHidden, reply);
    } catch (error) {
      if (error instanceof EraEnded) return 'reset';
      throw error;
    }
    return { answer: jsonAnswer(200, job.view(isHidden || this.#isStuck(job))), fault };
  }

  #result({ app, key, request }: Asked): Reaction {
    const job = this.#jobs.find(app, key);
    const fault = this.#take('result', app, job);
    const struck = before(fault);
    if (struck !== undefined) return struck;
    if (typeof job !== 'object') return unknown(key, job);
    this.#jobs.spawn(job);
    const view = job.view(this.#isStuck(job));
    const kept = job.end?.result;
    if (view.state !== 'succeeded' || kept === undefined) {
      const detail = `The job ${key} is ${view.state}; it has no result.`;
      return jsonAnswer(409, { detail, code: 'not_finished', job: view });
    }
    const bytes = fault?.name === 'result_gone' ? undefined : this.#jobs.result(job);
    if (bytes === undefined) {
      return jsonAnswer(410, { detail: `The result of ${key} was removed.`, code: 'result_gone' });
    }
    const { answer, isLast } = resultAnswer(request, bytes, kept);
    const onDelivered = (): void => {
      if (isLast && job.entry !== undefined) job.entry.responseDelivered = true;
    };
    return { answer, fault, onDelivered };
  }

  async #delete({ app, key }: Asked): Promise<Reaction> {
    const job = this.#jobs.find(app, key);
    const fault = this.#take('delete', app, job);
    const struck = before(fault);
    if (struck !== undefined) return struck;
    if (typeof job !== 'object') return unknown(key, job);
    await this.#jobs.stop(job);
    const stopped = job.end?.state === 'cancelled';
    return { answer: jsonAnswer(200, { ...job.view(), stopped, billing: job.billing() }), fault };
  }

  #void({ app, key }: Asked): Reaction {
    const fault = this.#take('void', app, this.#jobs.find(app, key));
    const struck = before(fault);
    if (struck !== undefined) return struck;
    const job = this.#jobs.void(app, key);
    if (job === undefined) return { answer: jsonAnswer(200, { key, state: 'voided' }), fault };
    const detail = `The key ${key} was accepted already.`;
    const view = job.view(this.#isStuck(job));
    return { answer: jsonAnswer(409, { detail, code: 'already_accepted', job: view }), fault };
  }

  #take(stage: FaultStage, app: string, job: NamedJob | 'voided' | undefined): Fault | undefined {
    const subject =
      typeof job === 'object' ? { endpoint: job.path, prompt: job.prompt } : { endpoint: '/jobs' };
    return this.#context.faults.take('modal', stage, { ...subject, app });
  }

  /** Until its end shows, `seconds` of provider time pass, or the client leaves. */
  async #waitForEnd(job: NamedJob, seconds: number, isHidden: boolean, reply: FastifyReply): Promise<void> {
    const { clock } = this.#context;
    const left = new AbortController();
    reply.raw.once('close', () => {
      left.abort();
    });
    const until = Date.now() + seconds * this.#scaleMs;
    if (!isHidden) await waitOrLeave(clock.wait(seconds, AbortSignal.any([left.signal, job.over])));
    const stuckMs = isHidden ? Infinity : this.#stuckMs(job);
    const restMs = Math.max(0, Math.min(until - Date.now(), stuckMs));
    if (restMs > 0) await waitOrLeave(clock.wait(restMs / this.#scaleMs, left.signal));
  }

  #isStuck(job: NamedJob): boolean {
    return this.#stuckMs(job) > 0;
  }

  /** Real milliseconds for which an end that has come does not show yet. */
  #stuckMs(job: NamedJob): number {
    return job.sinceEndMs === undefined ? 0 : job.stuckSeconds * this.#scaleMs - job.sinceEndMs;
  }

  get #scaleMs(): number {
    return this.#context.settings.current.timeScale * 1000;
  }

  /** Says no to a submit, and notes it. */
  #refused(app: string, jobKey: string, path: string, answer: Answer): Answer {
    const reason = answer.body.toString('utf8').slice(0, 300);
    const { status } = answer;
    this.#context.journal.reject({ provider: 'modal', endpoint: path, app, jobKey, status, reason });
    return answer;
  }
}

const longestWaitSeconds = 60;

/** Faults that strike a request before it had any effect. */
function before(fault: Fault | undefined): Answer | 'reset' | undefined {
  return fault?.name === 'reset_before_headers' ? 'reset' : simpleFaultAnswer('modal', fault);
}

async function waitOrLeave(wait: Promise<void>): Promise<void> {
  try {
    await wait;
  } catch (error) {
    if (error instanceof EraEnded) throw error;
  }
}

/** Longer waits are cut to the longest; `undefined` is no number of seconds. */
function waitSeconds(request: FastifyRequest): number | undefined {
  const text = new URL(request.url, 'http://localhost').searchParams.get('wait') ?? '0';
  const wait = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(wait) && wait >= 0 ? Math.min(wait, longestWaitSeconds) : undefined;
}

function readOrder(text: string): NamedOrder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !('body' in value)) return undefined;
    const { path, body } = value;
    const isPath = typeof path === 'string' && /^\/[!-~]{0,1023}$/.test(path) && !/[?#]/.test(path);
    return isPath ? { path, body } : undefined;
  } catch {
    return undefined;
  }
}

/** The whole, the asked part of it, or the word that there is no such part. `isLast`: with its last byte. */
function resultAnswer(
  request: FastifyRequest,
  bytes: Buffer,
  { mediaType, sha256 }: { mediaType: string; sha256: string },
): { answer: Answer; isLast: boolean } {
  const { range, 'if-range': ifRange, 'if-none-match': known } = request.headers;
  const etag = `"${sha256}"`;
  const headers = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private, immutable' };
  if (known?.split(',').some((tag) => tag.trim() === etag) === true) {
    return { answer: { status: 304, headers, body: Buffer.alloc(0) }, isLast: false };
  }
  const part = byteRange(ifRange === undefined || ifRange === etag ? range : undefined, bytes.length);
  if (part === undefined) return { answer: bytesAnswer(200, mediaType, bytes, headers), isLast: true };
  if (part === 'unsatisfiable') {
    const detail = { detail: 'The range lies outside of the result.', code: 'bad_range' };
    const answer = jsonAnswer(416, detail, { 'content-range': `bytes */${bytes.length}` });
    return { answer, isLast: false };
  }
  const { first, last } = part;
  const told = { ...headers, 'content-range': `bytes ${first}-${last}/${bytes.length}` };
  const body = bytes.subarray(first, last + 1);
  return { answer: bytesAnswer(206, mediaType, body, told), isLast: last === bytes.length - 1 };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function badRequest(detail: string): Answer {
  return jsonAnswer(400, { detail, code: 'bad_request' });
}

function unknown(key: string, job: 'voided' | undefined): Answer {
  if (job === 'voided') return voided(key);
  return jsonAnswer(404, { detail: `The key ${key} was never accepted.`, code: 'never_accepted' });
}

function voided(key: string): Answer {
  return jsonAnswer(410, { detail: `The key ${key} is void and will not be accepted.`, code: 'voided' });
}

function otherBody(key: string): Answer {
  const detail = `The key ${key} was accepted with another path or body.`;
  return jsonAnswer(409, { detail, code: 'other_body' });
}

/**
 * The bytes a `Range` header asks for, both ends included. `undefined`: the whole is to be sent, also where the header
 * is not understood or asks for several parts, as RFC 9110 allows.
 */
function byteRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^\s*bytes=(\d*)-(\d*)\s*$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Number(to);
    return length === 0 || size === 0
      ? 'unsatisfiable'
      : { first: Math.max(0, size - length), last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Number(to);
  if (to !== '' && last < first) return undefined;
  return first >= size ? 'unsatisfiable' : { first, last: Math.min(last, size - 1) };
}
