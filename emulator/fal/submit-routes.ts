import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, type Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import { isRecord } from '../http/describe-body';
import { bodyText } from '../http/http-app';
import type { Reaction } from '../http/reaction';
import { lostAcceptance, simpleFaultAnswer } from '../faults/simple-faults';
import { originOf } from './access';
import { invalidJson, unknownApplication } from './errors';
import type { FalFiles } from './files';
import type { FalJob } from './fal-job';
import type { FalJobs } from './jobs';
import { findEndpoint } from './paths';
import { prepareOrder, type Submission } from './prepare-order';
import { requestUrls } from './request-urls';
import { readSubmitOptions } from './submit-options';

/** The two ways to start work: into the queue, or waiting for the result. */
export class SubmitRoutes {
  readonly #context: EmulatorContext;
  readonly #jobs: FalJobs;
  readonly #files: FalFiles;

  constructor(context: EmulatorContext, jobs: FalJobs, files: FalFiles) {
    this.#context = context;
    this.#jobs = jobs;
    this.#files = files;
  }

  /** `POST /queue/{endpoint}`: answers at once; even a bad input is told only by the result. */
  async queue(request: FastifyRequest): Promise<Reaction> {
    const submission = this.#receive(request, '/queue/');
    if (submission === 'reset' || 'status' in submission) return submission;
    const { endpoint, fault } = submission;
    const origin = originOf(request);
    const order = await prepareOrder(submission, this.#files, origin);
    const job =
      'status' in order
        ? this.#jobs.startRefused(submission, this.#rejected(endpoint.id, order))
        : this.#jobs.start(order, submission, true);
    const lost = lostAcceptance(fault);
    if (lost !== undefined) return lost;
    const urls = requestUrls(origin, job, fault);
    const ids = { request_id: job.id, gateway_request_id: job.id };
    const ticket = { status: 'IN_QUEUE', ...ids, ...urls, queue_position: 0 };
    return { answer: jsonAnswer(200, ticket, { 'x-fal-request-id': job.id }), fault };
  }

  /** `POST /run/{endpoint}`: blocks and answers with the result itself. */
  async run(request: FastifyRequest, reply: FastifyReply): Promise<Reaction> {
    const submission = this.#receive(request, '/run/');
    if (submission === 'reset' || 'status' in submission) return submission;
    const { endpoint, fault } = submission;
    const order = await prepareOrder(submission, this.#files, originOf(request));
    if ('status' in order) return this.#rejected(endpoint.id, order);
    const job = this.#jobs.start(order, submission, false);
    return lostAcceptance(fault) ?? (await this.#whenDone(job, reply));
  }

  async #whenDone(job: FalJob, reply: FastifyReply): Promise<Reaction> {
    const left = new Promise<void>((resolve) => reply.raw.once('close', resolve));
    while (job.answer === undefined && !reply.raw.destroyed && this.#jobs.find(job.id) === job) {
      await Promise.race([job.changed, left]);
    }
    if (job.answer === undefined) return 'reset';
    const { status, headers, body } = job.answer;
    const answer = { status, headers: { ...headers, 'x-fal-request-id': job.id }, body };
    const onDelivered = (): void => {
      if (status === 200 && job.entry !== undefined) job.entry.responseDelivered = true;
    };
    return { answer, fault: job.fault, onDelivered };
  }

  /** Reads a submit up to the point where an application takes over, or tells how it is turned away. */
  #receive(request: FastifyRequest, prefix: string): Submission | Answer | 'reset' {
    const id = new URL(request.url, 'http://localhost').pathname.slice(prefix.length);
    const endpoint = findEndpoint(id);
    const body = parseJson(bodyText(request.body));
    const prompt = isRecord(body) && typeof body['prompt'] === 'string' ? body['prompt'] : '';
    const fault = this.#context.faults.take('fal', 'submit', { endpoint: id, prompt });
    if (fault?.name === 'reset_before_headers') return 'reset';
    const refused = simpleFaultAnswer('fal', fault);
    if (refused !== undefined) return this.#rejected(id, refused);
    if (endpoint === undefined) return this.#rejected(id, unknownApplication(id));
    if (body === undefined) return this.#rejected(id, invalidJson);
    const options = readSubmitOptions(request);
    if ('status' in options) return this.#rejected(id, options);
    return { endpoint, body, prompt, fault, options };
  }

  #rejected(endpoint: string, answer: Answer): Answer {
    const reason = answer.body.toString('utf8').slice(0, 300);
    this.#context.journal.reject({ provider: 'fal', endpoint, status: answer.status, reason });
    return answer;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
