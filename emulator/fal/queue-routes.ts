import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, htmlAnswer, type Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import { isRecord } from '../http/describe-body';
import type { FaultStage } from '../faults/fault-catalogue';
import { struck, type Reaction } from '../http/reaction';
import { originOf } from './access';
import { methodNotAllowed, requestNotFound, stillInProgress } from './errors';
import type { FalJob } from './fal-job';
import type { FalJobs } from './jobs';
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

  async read(request: FastifyRequest, reply: FastifyReply): Promise<Reaction> {
    const found = this.#locate(request);
    if ('status' in found) return found;
    const { job, action } = found;
    if (action === '') return this.#result(job);
    if (action === 'status') return this.#status(job, request);
    if (action === 'status/stream') return await this.#stream(job, request, reply);
    return action === 'cancel' ? methodNotAllowed : requestNotFound;
  }

  cancel(request: FastifyRequest): Reaction {
    const found = this.#locate(request);
    if ('status' in found) {
      return found.status === 404 ? jsonAnswer(404, { status: 'NOT_FOUND' }) : found;
    }
    const { job, action } = found;
    if (action !== 'cancel') return methodNotAllowed;
    const reaction = this.#struck('cancel', job, jsonAnswer(202, {}));
    if (reaction !== undefined) return reaction;
    const word = this.#jobs.cancel(job);
    return jsonAnswer(cancelStatuses[word], { status: word });
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

  #status(job: FalJob, request: FastifyRequest): Reaction {
    job.polls += 1;
    const flaky = flakyAnswer(job);
    if (flaky !== undefined) return flaky;
    const code = job.status === 'COMPLETED' ? 200 : 202;
    const answer = jsonAnswer(code, statusBody(job, request), { 'x-fal-request-id': job.id });
    return this.#struck('status', job, answer) ?? answer;
  }

  #result(job: FalJob): Reaction {
    const ready = job.answer ?? stillInProgress;
    const answer = { ...ready, headers: { ...ready.headers, 'x-fal-request-id': job.id } };
    const onDelivered = (): void => {
      if (ready.status === 200 && job.entry !== undefined) job.entry.responseDelivered = true;
    };
    return this.#struck('result', job, answer) ?? { answer, onDelivered };
  }

  async #stream(job: FalJob, request: FastifyRequest, reply: FastifyReply): Promise<'handled'> {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const left = new Promise<void>((resolve) => raw.once('close', resolve));
    for (;;) {
      const { changed } = job;
      raw.write(`data: ${JSON.stringify(statusBody(job, request))}\n\n`);
      if (job.status === 'COMPLETED') break;
      await Promise.race([changed, left]);
      if (raw.destroyed || this.#jobs.find(job.id) === undefined) break;
    }
    raw.end();
    return 'handled';
  }

  #struck(stage: FaultStage, job: FalJob, answer: Answer): Reaction | undefined {
    const subject = { endpoint: job.endpointId, prompt: job.prompt };
    return struck('fal', this.#context.faults.take('fal', stage, subject), answer);
  }
}

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
