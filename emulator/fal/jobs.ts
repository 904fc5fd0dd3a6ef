import { jsonAnswer, type Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import type { Fault } from '../faults/faults';
import { jobSeconds } from '../latency';
import { platformError } from './errors';
import {
  billOf,
  cancelledResult,
  FalJob,
  faultyResult,
  hasEnded,
  notStartedResult,
  withBill,
  type Bill,
  type EndedJob,
} from './fal-job';
import type { FalFiles } from './files';
import { produceOutput } from './outputs';
import type { FalOrder, Submission } from './prepare-order';
import type { FalWebhooks } from './webhooks';

/** All requests of all endpoints. Fal is a platform: an outage of its edge does not stop the work. */
export class FalJobs {
  readonly #context: EmulatorContext;
  readonly #files: FalFiles;
  readonly #webhooks: FalWebhooks;
  readonly #jobs = new Map<string, FalJob>();

  constructor(context: EmulatorContext, files: FalFiles, webhooks: FalWebhooks) {
    this.#context = context;
    this.#files = files;
    this.#webhooks = webhooks;
  }

  find(id: string): FalJob | undefined {
    return this.#jobs.get(id);
  }

  /** Everything that is over, in the order it was sent. */
  ended(): EndedJob[] {
    return [...this.#jobs.values()].filter(hasEnded);
  }

  reset(): void {
    const ended = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of ended) job.wake();
  }

  /** Takes a valid request on, into the queue or at once; from here on it is in the ledger. */
  start(order: FalOrder, submission: Submission, queued: boolean): FalJob {
    const { endpoint, body, bodyHash, size, seed } = order;
    const job = newJob(submission, submission.fault);
    const accepted = {
      provider: 'fal',
      endpoint: endpoint.id,
      requestId: job.id,
      bodyHash,
      body,
      seed,
      noRetry: submission.options.noRetry || undefined,
    } as const;
    job.entry = this.#context.journal.accept({ ...accepted, ...size });
    this.#jobs.set(job.id, job);
    void this.#run(job, order, queued);
    return job;
  }

  /** Queues a request that will be refused: nothing is charged, the refusal is the result. */
  startRefused(submission: Submission, answer: Answer): FalJob {
    const job = newJob(submission, undefined);
    this.#jobs.set(job.id, job);
    void this.#refuse(job, answer);
    return job;
  }

  /** Takes a request out of the queue or signals its runner. Returns Fal's word for what happened. */
  cancel(job: FalJob): 'OK' | 'CANCELLATION_REQUESTED' | 'ALREADY_COMPLETED' {
    if (job.status === 'COMPLETED') return 'ALREADY_COMPLETED';
    const running = job.status === 'IN_PROGRESS';
    // Work that had begun is charged: the careful reading for a ledger, since nothing promises otherwise.
    this.#close(job, 'cancelled', running ? job.bill : nothing);
    job.stop.abort();
    this.#end(job, running ? withBill(cancelledResult, job.bill) : cancelledResult);
    return running ? 'CANCELLATION_REQUESTED' : 'OK';
  }

  async #run(job: FalJob, order: FalOrder, queued: boolean): Promise<void> {
    const { clock, log, settings } = this.#context;
    const { signal } = job.stop;
    try {
      const stuck = job.fault?.name === 'queue_stuck';
      const waitSeconds = stuck ? Infinity : queued ? settings.current.fal.queueSeconds : 0;
      const patience = job.options.startTimeoutSeconds ?? Infinity;
      if (patience < waitSeconds) {
        await clock.wait(patience, signal);
        this.#close(job, 'failed', nothing);
        this.#end(job, notStartedResult());
        return;
      }
      if (stuck) return;
      if (queued) await clock.wait(waitSeconds, signal);
      job.bill = billOf(order, job.fault);
      job.begin();
      await this.#work(job, order);
    } catch (error) {
      // A reset or a cancellation has ended the wait, and has already answered for the request.
      if (signal.aborted || this.#jobs.get(job.id) !== job) return;
      log.error({ err: error, endpoint: order.endpoint.id }, 'a fal request could not be carried out');
      this.#close(job, 'failed', nothing);
      this.#end(job, platformError(500, 'internal_server_error', 'Internal server error'));
    }
  }

  async #work(job: FalJob, order: FalOrder): Promise<void> {
    const { clock, settings, seed } = this.#context;
    const { id: endpoint, seconds: ownSeconds } = order.endpoint;
    const seconds = jobSeconds(settings, seed, { endpoint, ownSeconds, fingerprint: order.bodyHash });
    const result = this.#result(job, order);
    const [answer] = await Promise.all([result, clock.wait(seconds, job.stop.signal)]);
    job.inferenceSeconds = seconds;
    if (answer.status === 200) this.#close(job, 'succeeded', job.bill);
    else this.#close(job, 'failed', nothing);
    this.#end(job, answer.status === 200 ? withBill(answer, job.bill) : answer);
  }

  async #result(job: FalJob, order: FalOrder): Promise<Answer> {
    const faulty = faultyResult(job.fault);
    return faulty ?? jsonAnswer(200, await produceOutput(order, this.#files, job.fault));
  }

  async #refuse(job: FalJob, answer: Answer): Promise<void> {
    const { clock, settings } = this.#context;
    try {
      await clock.wait(settings.current.fal.queueSeconds, job.stop.signal);
      this.#end(job, answer);
    } catch {
      // As in #run: whoever ended the wait has answered.
    }
  }

  #close(job: FalJob, outcome: 'succeeded' | 'failed' | 'cancelled', { units, usd }: Bill): void {
    if (job.entry === undefined) return;
    job.entry.billableUnits = units;
    this.#context.journal.finish(job.entry, outcome, usd);
  }

  /** The request is over: from now on it has a result, a call-back, and soon a place in the list. */
  #end(job: FalJob, answer: Answer): void {
    const { faults, settings } = this.#context;
    const { fal, timeScale } = settings.current;
    job.complete(answer);
    const fault = faults.take('fal', 'listing', { endpoint: job.endpointId, prompt: job.prompt });
    const delayed = fault?.name === 'listing_delayed' ? (fault.params.seconds ?? 60) : 0;
    job.listedFrom = Date.now() + (fal.listingDelaySeconds + delayed) * timeScale * 1000;
    void this.#webhooks.send(job);
  }
}

const nothing: Bill = { units: 0, usd: 0 };

function newJob({ endpoint, prompt, body, options }: Submission, fault: Fault | undefined): FalJob {
  return new FalJob({ endpointId: endpoint.id, prompt, fault, input: body, options });
}
