import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, type Answer } from '../answer';
import type { EmulatorContext } from '../context';
import { deliver, isTransportFault, reset } from '../deliver';
import { describeBody, isRecord } from '../describe-body';
import type { Fault } from '../faults';
import { bodyText } from '../http-app';
import { maximumPixels } from '../render';
import { simpleFaultAnswer } from '../simple-faults';
import { originOf } from './access';
import type { FalEndpoint } from './endpoints';
import { fieldError, invalidJson, unknownApplication } from './errors';
import type { FalFiles } from './files';
import { fetchPictures } from './input-pictures';
import type { FalJob, FalJobs } from './jobs';
import { outputSize } from './output-size';
import { seedOf, type FalOrder } from './outputs';
import { findEndpoint } from './paths';
import { requestUrls } from './request-urls';
import { validateInput } from './validate';

interface Submission {
  endpoint: FalEndpoint;
  body: unknown;
  prompt: string;
  fault: Fault | undefined;
}

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
  async queue(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const submission = await this.#receive(request, reply, '/queue/');
    if (submission === undefined) return;
    const { endpoint, prompt, fault } = submission;
    const order = await this.#prepare(submission, originOf(request));
    const job =
      'status' in order
        ? this.#refuse(endpoint, prompt, order)
        : this.#jobs.start(order, describeBody(submission.body, this.#resolver(request)).body, fault, true);
    if (fault?.name === 'submit_lost') {
      reply.hijack();
      return void reset(reply.raw);
    }
    const urls = requestUrls(originOf(request), job, fault);
    const ticket = { status: 'IN_QUEUE', request_id: job.id, ...urls, queue_position: 0 };
    const transport = isTransportFault(fault) ? fault : undefined;
    await deliver(reply, jsonAnswer(200, ticket, { 'x-fal-request-id': job.id }), transport);
  }

  /** `POST /run/{endpoint}`: blocks and answers with the result itself. */
  async run(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const submission = await this.#receive(request, reply, '/run/');
    if (submission === undefined) return;
    const { endpoint, fault } = submission;
    const order = await this.#prepare(submission, originOf(request));
    if ('status' in order) {
      this.#recordRefusal(endpoint, order);
      return void (await deliver(reply, order));
    }
    const { body } = describeBody(submission.body, this.#resolver(request));
    const job = this.#jobs.start(order, body, fault, false);
    if (fault?.name === 'submit_lost') {
      reply.hijack();
      return void reset(reply.raw);
    }
    await this.#answerWhenDone(job, reply);
  }

  async #answerWhenDone(job: FalJob, reply: FastifyReply): Promise<void> {
    const gone = new Promise<void>((resolve) => reply.raw.once('close', resolve));
    const left = gone.then(() => 'left' as const);
    while (job.answer === undefined && !reply.raw.destroyed) {
      if (this.#jobs.find(job.id) === undefined) break;
      if ((await Promise.race([job.changed.promise, left])) === 'left') return;
    }
    if (job.answer === undefined) {
      reply.hijack();
      return void reset(reply.raw);
    }
    const answer = { ...job.answer, headers: { ...job.answer.headers, 'x-fal-request-id': job.id } };
    const transport = isTransportFault(job.fault) ? job.fault : undefined;
    const delivered = await deliver(reply, answer, transport);
    if (delivered && transport === undefined && job.entry !== undefined) job.entry.responseDelivered = true;
  }

  /** Reads a submit up to the point where an application takes over; answers it itself when none does. */
  async #receive(
    request: FastifyRequest,
    reply: FastifyReply,
    prefix: string,
  ): Promise<Submission | undefined> {
    const id = new URL(request.url, 'http://localhost').pathname.slice(prefix.length);
    const endpoint = findEndpoint(id);
    const body = parseJson(bodyText(request.body));
    const prompt = isRecord(body) && typeof body['prompt'] === 'string' ? body['prompt'] : '';
    const fault = this.#context.faults.take('fal', 'submit', { endpoint: id, prompt });
    if (fault?.name === 'reset_before_headers') {
      reply.hijack();
      reset(reply.raw);
      return undefined;
    }
    const refused = simpleFaultAnswer('fal', fault) ?? this.#unreadable(endpoint, id, body);
    if (refused === undefined && endpoint !== undefined) return { endpoint, body, prompt, fault };
    const answer = refused ?? unknownApplication(id);
    this.#record(id, answer);
    await deliver(reply, answer);
    return undefined;
  }

  #unreadable(endpoint: FalEndpoint | undefined, id: string, body: unknown): Answer | undefined {
    if (endpoint === undefined) return unknownApplication(id);
    return body === undefined ? invalidJson : undefined;
  }

  async #prepare({ endpoint, body, prompt, fault }: Submission, origin: string): Promise<FalOrder | Answer> {
    const faulty = faultyInput(fault);
    if (faulty !== undefined) return faulty;
    const input = validateInput(endpoint, body);
    if (isAnswer(input)) return input;
    const pictures = await fetchPictures(endpoint, input, this.#files, origin);
    if ('status' in pictures) return pictures;
    const size = outputSize(endpoint, input, pictures.size);
    if (size.width * size.height > maximumPixels) {
      return fieldError('image_size', 'image_too_large', 'The image is too large.');
    }
    const { bodyHash } = describeBody(body, (url) => this.#files.fetch(url, origin));
    const count = typeof input['num_images'] === 'number' ? input['num_images'] : 1;
    const seed = seedOf(input, endpoint.id, bodyHash);
    return { endpoint, input, pictures, size, count, seed, prompt, bodyHash, origin };
  }

  #refuse(endpoint: FalEndpoint, prompt: string, answer: Answer): FalJob {
    this.#recordRefusal(endpoint, answer);
    return this.#jobs.startRefused(endpoint.id, prompt, answer);
  }

  #recordRefusal(endpoint: FalEndpoint, answer: Answer): void {
    this.#record(endpoint.id, answer);
  }

  #record(endpoint: string, answer: Answer): void {
    const reason = answer.body.toString('utf8').slice(0, 300);
    this.#context.journal.reject({ provider: 'fal', endpoint, status: answer.status, reason });
  }

  #resolver(request: FastifyRequest): (url: string) => ReturnType<FalFiles['fetch']> {
    return (url) => this.#files.fetch(url, originOf(request));
  }
}

function faultyInput(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'string_422') return jsonAnswer(422, { detail: 'The input could not be processed' });
  if (fault?.name !== 'validation_422') return undefined;
  const { field = 'image_size', type = 'value_error' } = fault.params;
  return fieldError(field, type, 'Value error, the value is not supported');
}

function isAnswer(value: Record<string, unknown> | Answer): value is Answer {
  return value['body'] instanceof Buffer;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
