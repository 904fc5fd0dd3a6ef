import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, htmlAnswer, type Answer } from '../answer';
import type { EmulatorContext } from '../context';
import { deliver, reset } from '../deliver';
import { isRecord } from '../describe-body';
import type { FaultStage } from '../fault-catalogue';
import { simpleFaultAnswer } from '../simple-faults';
import { originOf } from './access';
import { methodNotAllowed, requestNotFound, stillInProgress } from './errors';
import type { FalJob, FalJobs } from './jobs';
import { basePath, parseRequestPath } from './paths';
import { requestUrls } from './request-urls';

/** Status, stream, result and cancellation of a queued request. */
export class QueueRoutes {
  readonly #context: EmulatorContext;
  readonly #jobs: FalJobs;

  constructor(context: EmulatorContext, jobs: FalJobs) {
    this.#context = context;
    this.#jobs = jobs;
  }

  async read(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const found = this.#locate(request);
    if ('status' in found) return void (await deliver(reply, found));
    const { job, action } = found;
    if (action === '') return await this.#result(job, reply);
    if (action === 'status') return await this.#status(job, request, reply);
    if (action === 'status/stream') return await this.#stream(job, request, reply);
    await deliver(reply, action === 'cancel' ? methodNotAllowed : requestNotFound);
  }

  async cancel(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const found = this.#locate(request);
    if ('status' in found) {
      const unknown = found.status === 404;
      return void (await deliver(reply, unknown ? jsonAnswer(404, { status: 'NOT_FOUND' }) : found));
    }
    const { job, action } = found;
    if (action !== 'cancel') return void (await deliver(reply, methodNotAllowed));
    if (await this.#strike('cancel', job, reply, { ...acknowledged, body: Buffer.alloc(0) })) return;
    const word = this.#jobs.cancel(job);
    await deliver(reply, jsonAnswer(cancelStatuses[word], { status: word }));
  }

  /** A URL with more than `owner/alias` before `requests` is a path that only takes a submit: 405. */
  #locate(request: FastifyRequest): { job: FalJob; action: string } | Answer {
    const path = new URL(request.url, 'http://localhost').pathname.slice('/queue/'.length);
    const parsed = parseRequestPath(path);
    if (parsed === undefined) return requestNotFound;
    if (!parsed.exact) return methodNotAllowed;
    const job = this.#jobs.find(parsed.requestId);
    if (job === undefined || basePath(job.endpointId) !== parsed.base) return requestNotFound;
    return { job, action: parsed.action };
  }

  async #status(job: FalJob, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    job.polls += 1;
    const flaky = flakyAnswer(job);
    if (flaky !== undefined) return void (await deliver(reply, flaky));
    const code = job.status === 'COMPLETED' ? 200 : 202;
    const answer = jsonAnswer(code, statusBody(job, request), { 'x-fal-request-id': job.id });
    if (await this.#strike('status', job, reply, answer)) return;
    await deliver(reply, answer);
  }

  async #result(job: FalJob, reply: FastifyReply): Promise<void> {
    const ready = job.answer ?? stillInProgress;
    const answer = { ...ready, headers: { ...ready.headers, 'x-fal-request-id': job.id } };
    if (await this.#strike('result', job, reply, answer)) return;
    const delivered = await deliver(reply, answer);
    if (delivered && ready.status === 200 && job.entry !== undefined) job.entry.responseDelivered = true;
  }

  async #stream(job: FalJob, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const left = new Promise<void>((resolve) => raw.once('close', resolve));
    for (;;) {
      const { promise } = job.changed;
      raw.write(`data: ${JSON.stringify(statusBody(job, request))}\n\n`);
      if (job.status === 'COMPLETED') break;
      await Promise.race([promise, left]);
      if (raw.destroyed || this.#jobs.find(job.id) === undefined) break;
    }
    raw.end();
  }

  /** Lets a fault of this moment answer instead. Returns whether one did. */
  async #strike(stage: FaultStage, job: FalJob, reply: FastifyReply, answer: Answer): Promise<boolean> {
    const subject = { endpoint: job.endpointId, prompt: job.prompt };
    const fault = this.#context.faults.take('fal', stage, subject);
    if (fault === undefined) return false;
    if (fault.name === 'reset_before_headers') {
      reply.hijack();
      reset(reply.raw);
      return true;
    }
    const simple = simpleFaultAnswer('fal', fault);
    await (simple === undefined ? deliver(reply, answer, fault) : deliver(reply, simple));
    return true;
  }
}

const acknowledged = { status: 202, headers: { 'content-type': 'application/json' } };
const cancelStatuses = { OK: 200, CANCELLATION_REQUESTED: 202, ALREADY_COMPLETED: 400 } as const;

function statusBody(job: FalJob, request: FastifyRequest): Record<string, unknown> {
  const common = { status: job.status, request_id: job.id, ...requestUrls(originOf(request), job) };
  if (job.status === 'IN_QUEUE') return { ...common, queue_position: 0 };
  const { searchParams } = new URL(request.url, 'http://localhost');
  const logs = searchParams.get('logs') === '1' ? [logLine(job)] : [];
  if (job.status === 'IN_PROGRESS') return { ...common, logs };
  return { ...common, logs, metrics: { inference_time: job.inferenceSeconds }, ...failureOf(job) };
}

function logLine(job: FalJob): Record<string, string> {
  const message = job.status === 'COMPLETED' ? 'finished' : 'running';
  return { message, level: 'INFO', source: 'USER', timestamp: new Date().toISOString() };
}

/** Newer servers name the failure in the status already. */
function failureOf(job: FalJob): Record<string, unknown> {
  if (job.answer === undefined || job.answer.status === 200) return {};
  const body: unknown = JSON.parse(job.answer.body.toString('utf8'));
  if (!isRecord(body)) return {};
  const { detail, error_type: type } = body;
  const error = typeof detail === 'string' ? detail : 'The request was not valid';
  return { error, error_type: type ?? 'invalid_request' };
}

/** Two of five polls fail. */
function flakyAnswer(job: FalJob): Answer | undefined {
  if (job.fault?.name !== 'status_flaky') return undefined;
  if (job.polls % 5 === 1) return jsonAnswer(500, { detail: 'Internal server error' });
  return job.polls % 5 === 3 ? htmlAnswer(502, '502 Bad Gateway') : undefined;
}
