import { createHash } from 'node:crypto';
import { ProviderError } from '../errors';
import type { HttpClient, HttpReply, HttpRequest, RequestDeadlines } from '../http/http';
import { readText } from '../http/read-body';
import { strangeAnswer, tooLarge } from './errors';
import {
  namedJobSchema,
  refusalCodeOf,
  stoppedJobSchema,
  voidedKeySchema,
  type NamedHandle,
  type NamedJobState,
  type RefusalCode,
} from './wire';

/** What the package that takes named jobs answers about one key. */
export type NamedAnswer =
  | { kind: 'job'; job: NamedJobState }
  | { kind: 'stopped'; job: NamedJobState; isStopped: boolean; isBilled: boolean }
  /** The key is void: a submit under it was never accepted, and never will be. */
  | { kind: 'voided' }
  | { kind: 'refused'; code: Exclude<RefusalCode, 'voided'>; status: number; job: NamedJobState | undefined };

export interface NamedRequestOptions {
  http: HttpClient;
  headers: Readonly<Record<string, string>>;
  handle: NamedHandle;
  signal: AbortSignal;
  /** Longest silence while a result is downloaded. */
  idleSeconds: number;
  /** What is known of the job. */
  outcome: 'nothing_sent' | 'nobody_knows' | 'still_there';
}

const connectSeconds = 5;
/** Every request but a long poll is answered within a second, and a gateway that starts takes some more. */
const answerSeconds = 12;
/** A large body takes a while to send: at least this many bytes go out in a second. */
const slowestBytesPerSecond = 500_000;

/** The requests for one named job. Each can be repeated: the key is the same. */
export class NamedJobRequests {
  constructor(private readonly options: NamedRequestOptions) {}

  /** Submits the job, unless that was done. */
  async put(order: Buffer): Promise<NamedAnswer> {
    const headers = { 'content-type': 'application/json', 'content-length': String(order.length) };
    const seconds = answerSeconds + order.length / slowestBytesPerSecond;
    return await this.ask({ method: 'PUT', headers, body: order, seconds });
  }

  /** @param waitSeconds how long the answer may wait for the job's end; up to 60 */
  async state(waitSeconds = 0): Promise<NamedAnswer> {
    const path = `?wait=${String(waitSeconds)}`;
    const isPoll = waitSeconds > 0;
    return await this.ask({ method: 'GET', path, isPoll, seconds: waitSeconds + answerSeconds });
  }

  async void(): Promise<NamedAnswer> {
    return await this.ask({ method: 'POST', path: '/void' });
  }

  async stop(): Promise<NamedAnswer> {
    return await this.ask({ method: 'DELETE' });
  }

  /**
   * The bytes of the result from this one on.
   *
   * @throws ProviderError when they are not given.
   */
  async result(from: number, sha256: string): Promise<HttpReply> {
    const ranged = from > 0 && { range: `bytes=${String(from)}-`, 'if-range': `"${sha256}"` };
    const reply = await this.send({ method: 'GET', path: '/result', headers: { ...ranged } });
    if (reply.status === 200 || (from > 0 && reply.status === 206)) return reply;
    const { code } = await this.read(reply);
    if (code === 'result_gone') throw resultGone();
    if (code === 'not_finished') throw notFinished();
    if (code === 'never_accepted' || code === 'voided') throw jobUnknown();
    throw this.strange(reply, 'GET');
  }

  private async ask(request: Request): Promise<NamedAnswer> {
    const reply = await this.send(request);
    const { code, json } = await this.read(reply);
    if (code === 'voided') return { kind: 'voided' };
    const { status } = reply;
    if (code !== undefined) return { kind: 'refused', code, status, job: this.jobIn(jobOf(json)) };
    const answer = status === 200 || status === 202 ? this.accepted(json) : undefined;
    if (answer === undefined) throw this.strange(reply, request.method);
    return answer;
  }

  private accepted(json: unknown): NamedAnswer | undefined {
    if (voidedKeySchema.safeParse(json).data?.key === this.options.handle.key) return { kind: 'voided' };
    const job = this.jobIn(json);
    if (job === undefined) return undefined;
    const stop = stoppedJobSchema.safeParse(json).data;
    if (stop === undefined) return { kind: 'job', job };
    const { stopped: isStopped, billing } = stop;
    const costUsd = billing.costUsd ?? job.costUsd;
    return { kind: 'stopped', job: { ...job, costUsd }, isStopped, isBilled: billing.billed };
  }

  /** The state of this very job; `undefined` for anything else. */
  private jobIn(json: unknown): NamedJobState | undefined {
    const job = namedJobSchema.safeParse(json).data;
    return job?.key === this.options.handle.key ? job : undefined;
  }

  private async read(reply: HttpReply) {
    const json = parse(await readText(reply, stateBytes));
    return { json, code: refusalCodeOf(reply.status, json) };
  }

  /** Somebody between us and the package answers, or an app without it. */
  private strange(reply: HttpReply, method: HttpRequest['method']): ProviderError {
    const { status } = reply;
    const isRefused = method === 'PUT' && refusing.includes(status);
    if (isRefused && status === 413) return tooLarge(status);
    const outcome = isRefused ? 'nothing_sent' : this.options.outcome;
    return strangeAnswer({ status, retryAfter: reply.header('retry-after'), outcome });
  }

  private async send(request: Request): Promise<HttpReply> {
    const { http, headers, handle, signal, idleSeconds } = this.options;
    const { method, path = '', body, seconds = answerSeconds } = request;
    const deadlines: RequestDeadlines = { connectSeconds, firstByteSeconds: seconds, idleSeconds };
    const url = `${handle.jobUrl}${path}`;
    const all = { ...request.headers, ...headers };
    // One from the pool may just have been closed by the server; a long poll is asked again then.
    const freshConnection = request.isPoll !== true;
    return await http.send({ method, url, headers: all, body, freshConnection, deadlines, signal });
  }
}

interface Request {
  method: HttpRequest['method'];
  /** Below the address of the job. */
  path?: string;
  headers?: Record<string, string>;
  body?: Buffer;
  /** One of many, over one connection. */
  isPoll?: boolean;
  /** Until the answer begins. */
  seconds?: number;
}

/** The error of a failed route is part of a job's state. */
const stateBytes = 1024 * 1024;

/** A name every submit of the same job has: readable in front, and unique by the hash behind. */
export function nameOf(jobKey: string, number: number): string {
  const readable = jobKey.replaceAll(/[^A-Za-z0-9._:-]/g, '.').slice(0, 120);
  const hash = createHash('sha256').update(jobKey).digest('hex').slice(0, 32);
  return [readable, hash, ...(number === 1 ? [] : [String(number)])].join('.');
}

export function jobUnknown(): ProviderError {
  return new ProviderError('Modal does not know the job it accepted; its records may have been deleted', {
    ...{ provider: 'modal', code: 'job_unknown', outcome: 'still_there' },
  });
}

function resultGone(): ProviderError {
  return new ProviderError('Modal did not keep the result of the job', {
    ...{ provider: 'modal', code: 'result_gone', outcome: 'gone' },
  });
}

function notFinished(): ProviderError {
  return new ProviderError('Modal says that the job it finished is not finished', {
    ...{ provider: 'modal', code: 'not_finished', outcome: 'still_there' },
  });
}

/** Statuses that say that nobody took a submit in. */
const refusing: readonly number[] = [401, 403, 404, 405, 413, 429];

function jobOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'job' in json ? json.job : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
