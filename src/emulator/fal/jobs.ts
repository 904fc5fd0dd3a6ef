import { jsonAnswer, type Answer } from '../answer';
import type { EmulatorContext } from '../context';
import type { Fault } from '../faults';
import { jobSeconds } from '../latency';
import { platformError } from './errors';
import { cancelledResult, costUsd, FalJob, faultyResult } from './fal-job';
import type { FalFiles } from './files';
import { produceOutput } from './outputs';
import type { FalOrder } from './prepare-order';

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
    const ended = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of ended) job.wake();
  }

  /** Takes a valid request on, into the queue or at once; from here on it is in the ledger. */
  start(order: FalOrder, fault: Fault | undefined, queued: boolean): FalJob {
    const { endpoint, body, bodyHash, size, seed, prompt } = order;
    const job = new FalJob(endpoint.id, prompt, fault);
    const accepted = {
      provider: 'fal',
      endpoint: endpoint.id,
      requestId: job.id,
      bodyHash,
      body,
      seed,
    } as const;
    job.entry = this.#context.journal.accept({ ...accepted, ...size });
    this.#jobs.set(job.id, job);
    void this.#run(job, order, queued);
    return job;
  }

  /** Queues a request that will be refused: nothing is charged, the refusal is the result. */
  startRefused(endpointId: string, prompt: string, answer: Answer): FalJob {
    const job = new FalJob(endpointId, prompt, undefined);
    this.#jobs.set(job.id, job);
    void this.#refuse(job, answer);
    return job;
  }

  /** Takes a request out of the queue or signals its runner. Returns Fal's word for what happened. */
  cancel(job: FalJob): 'OK' | 'CANCELLATION_REQUESTED' | 'ALREADY_COMPLETED' {
    if (job.status === 'COMPLETED') return 'ALREADY_COMPLETED';
    const running = job.status === 'IN_PROGRESS';
    // Work that had begun is charged: the careful reading for a ledger, since nothing promises otherwise.
    this.#close(job, 'cancelled', running ? job.chargeUsd : 0);
    job.stop.abort();
    job.complete(cancelledResult);
    return running ? 'CANCELLATION_REQUESTED' : 'OK';
  }

  async #run(job: FalJob, order: FalOrder, queued: boolean): Promise<void> {
    const { clock, log, settings } = this.#context;
    const { signal } = job.stop;
    if (job.fault?.name === 'queue_stuck') return;
    try {
      if (queued) await clock.wait(settings.current.fal.queueSeconds, signal);
      job.chargeUsd = costUsd(order, job.fault);
      job.begin();
      await this.#work(job, order);
    } catch (error) {
      // A reset or a cancellation has ended the wait, and has already answered for the request.
      if (signal.aborted || this.#jobs.get(job.id) !== job) return;
      log.error({ err: error, endpoint: order.endpoint.id }, 'a fal request could not be carried out');
      this.#close(job, 'failed', 0);
      job.complete(platformError(500, 'internal_server_error', 'Internal server error'));
    }
  }

  async #work(job: FalJob, order: FalOrder): Promise<void> {
    const { clock, settings, seed } = this.#context;
    const { id: endpoint, seconds: ownSeconds } = order.endpoint;
    const seconds = jobSeconds(settings, seed, { endpoint, ownSeconds, fingerprint: order.bodyHash });
    const result = this.#result(job, order);
    const [answer] = await Promise.all([result, clock.wait(seconds, job.stop.signal)]);
    job.inferenceSeconds = seconds;
    if (answer.status === 200) this.#close(job, 'succeeded', job.chargeUsd);
    else this.#close(job, 'failed', 0);
    job.complete(answer);
  }

  async #result(job: FalJob, order: FalOrder): Promise<Answer> {
    const faulty = faultyResult(job.fault);
    return faulty ?? jsonAnswer(200, await produceOutput(order, this.#files, job.fault));
  }

  async #refuse(job: FalJob, answer: Answer): Promise<void> {
    const { clock, settings } = this.#context;
    try {
      await clock.wait(settings.current.fal.queueSeconds, job.stop.signal);
      job.complete(answer);
    } catch {
      // As in #run: whoever ended the wait has answered.
    }
  }

  #close(job: FalJob, outcome: 'succeeded' | 'failed' | 'cancelled', chargedUsd: number): void {
    if (job.entry !== undefined) this.#context.journal.finish(job.entry, outcome, chargedUsd);
  }
}
