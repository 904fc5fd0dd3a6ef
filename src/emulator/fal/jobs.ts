import { randomUUID } from 'node:crypto';
import { jsonAnswer, type Answer } from '../answer';
import type { EmulatorContext } from '../context';
import type { Fault } from '../faults';
import type { JournalEntry } from '../journal';
import { jobSeconds } from '../latency';
import type { FalFiles } from './files';
import { fieldError, platformError } from './errors';
import { produceOutput, type FalOrder } from './outputs';

export type FalStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';

/** One request in the queue, or one that was. */
export interface FalJob {
  readonly id: string;
  readonly endpointId: string;
  readonly prompt: string;
  /** Absent for requests that never became a job. */
  readonly entry: JournalEntry | undefined;
  readonly fault: Fault | undefined;
  status: FalStatus;
  answer: Answer | undefined;
  /** Real seconds the model worked, for the metrics. */
  inferenceSeconds: number | null;
  polls: number;
  readonly stop: AbortController;
  /** Resolves when the status changes; replaced each time. */
  changed: PromiseWithResolvers;
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
}

/** All requests of all endpoints. Fal is a platform: an outage of its edge does not stop the work. */
export class FalJobs {
  readonly #context: EmulatorContext;
  readonly #files: FalFiles;
  readonly #jobs = new Map<string, FalJob>();

  constructor(context: EmulatorContext, files: FalFiles) {
    this.#context = context;
    this.#files = files;
  }

  find(id: string): FalJob | undefined {
    return this.#jobs.get(id);
  }

  reset(): void {
    for (const job of this.#jobs.values()) job.changed.resolve();
    this.#jobs.clear();
  }

  /** Queues a valid request; from here on it is in the ledger. */
  start(order: FalOrder, described: unknown, fault: Fault | undefined, queued: boolean): FalJob {
    const { endpoint, bodyHash, size, seed, prompt } = order;
    const id = randomUUID();
    const job = { provider: 'fal', endpoint: endpoint.id, requestId: id, bodyHash, seed } as const;
    const entry = this.#context.journal.accept({ ...job, body: described, ...size });
    const created = this.#create(id, endpoint.id, prompt, entry, fault);
    void this.#run(created, order, queued);
    return created;
  }

  /** Queues a request that will be refused: nothing is charged, the refusal is the result. */
  startRefused(endpointId: string, prompt: string, answer: Answer): FalJob {
    const job = this.#create(randomUUID(), endpointId, prompt, undefined, undefined);
    void this.#refuse(job, answer);
    return job;
  }

  /** Takes a request out of the queue or signals its runner. Returns Fal's word for what happened. */
  cancel(job: FalJob): 'OK' | 'CANCELLATION_REQUESTED' | 'ALREADY_COMPLETED' {
    if (job.status === 'COMPLETED') return 'ALREADY_COMPLETED';
    const running = job.status === 'IN_PROGRESS';
    // Work that had begun is charged: the careful reading for a ledger, since nothing promises otherwise.
    const charge = running ? (this.#charges.get(job.id) ?? 0) : 0;
    if (job.entry !== undefined) this.#context.journal.finish(job.entry, 'cancelled', charge);
    job.stop.abort();
    this.#complete(job, platformError(400, 'request_cancelled', 'Request was cancelled'));
    return running ? 'CANCELLATION_REQUESTED' : 'OK';
  }

  readonly #charges = new Map<string, number>();

  #create(
    id: string,
    endpointId: string,
    prompt: string,
    entry: JournalEntry | undefined,
    fault: Fault | undefined,
  ): FalJob {
    const job: FalJob = {
      id,
      endpointId,
      prompt,
      entry,
      fault,
      status: 'IN_QUEUE',
      answer: undefined,
      inferenceSeconds: null,
      polls: 0,
      stop: new AbortController(),
      changed: withResolvers(),
    };
    this.#jobs.set(id, job);
    return job;
  }

  async #run(job: FalJob, order: FalOrder, queued: boolean): Promise<void> {
    const { clock, journal, log, settings, seed } = this.#context;
    const { signal } = job.stop;
    const chargeUsd = costUsd(order, job.fault);
    this.#charges.set(job.id, chargeUsd);
    try {
      if (job.fault?.name === 'queue_stuck') return;
      if (queued) await clock.wait(settings.current.fal.queueSeconds, signal);
      this.#enter(job, 'IN_PROGRESS');
      const work = {
        endpoint: order.endpoint.id,
        ownSeconds: order.endpoint.seconds,
        fingerprint: order.bodyHash,
      };
      const seconds = jobSeconds(settings, seed, work);
      const [answer] = await Promise.all([this.#work(order, job.fault), clock.wait(seconds, signal)]);
      job.inferenceSeconds = seconds;
      const succeeded = answer.status === 200;
      if (job.entry !== undefined) {
        journal.finish(job.entry, succeeded ? 'succeeded' : 'failed', succeeded ? chargeUsd : 0);
      }
      this.#complete(job, answer);
    } catch (error) {
      if (signal.aborted || clock.era.aborted || !this.#jobs.has(job.id)) return;
      log.error({ err: error, endpoint: order.endpoint.id }, 'a fal request could not be carried out');
      if (job.entry !== undefined) journal.finish(job.entry, 'failed', 0);
      this.#complete(job, platformError(500, 'internal_server_error', 'Internal server error'));
    }
  }

  async #refuse(job: FalJob, answer: Answer): Promise<void> {
    const { clock, settings } = this.#context;
    try {
      await clock.wait(settings.current.fal.queueSeconds, job.stop.signal);
      this.#complete(job, answer);
    } catch {
      // Reset or cancelled: whoever ended the wait has already answered for the request.
    }
  }

  async #work(order: FalOrder, fault: Fault | undefined): Promise<Answer> {
    return faultyResult(fault) ?? jsonAnswer(200, await produceOutput(order, this.#files, fault));
  }

  #complete(job: FalJob, answer: Answer): void {
    job.answer = answer;
    this.#charges.delete(job.id);
    this.#enter(job, 'COMPLETED');
  }

  #enter(job: FalJob, status: FalStatus): void {
    job.status = status;
    const { resolve } = job.changed;
    job.changed = withResolvers();
    resolve();
  }
}

/** USD of a request that succeeds: per picture, flagged ones included. */
function costUsd({ endpoint, size, count }: FalOrder, fault: Fault | undefined): number {
  if (fault?.name === 'no_images') return 0;
  const pictures = fault?.name === 'nsfw_partial' ? 2 : count;
  const { usd, per } = endpoint.price;
  const megapixels = (size.width * size.height) / 1_000_000;
  return usd * pictures * (per === 'megapixel' ? megapixels : 1);
}

function faultyResult(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'policy_422') {
    const msg = 'The content could not be processed because it was flagged by a content checker.';
    return fieldError('prompt', 'content_policy_violation', msg);
  }
  if (fault?.name !== 'completed_then_error') return undefined;
  const {
    status = 500,
    type = 'internal_server_error',
    message = 'Internal server error',
    userTimeout,
  } = fault.params;
  if (status === 422) return fieldError('prompt', type, message);
  const answer = platformError(status, type, message);
  if (userTimeout === true) answer.headers['x-fal-request-timeout-type'] = 'user';
  return answer;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
