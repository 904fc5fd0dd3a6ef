import type { Answer } from '../http/answer';
import { EraEnded } from '../clock';
import type { EmulatorContext } from '../context';
import { spoiledAnswer } from '../http/deliver';
import { describeBody, isRecord } from '../http/describe-body';
import type { AcceptedJob } from '../journal';
import { canonicalJson, sha256 } from '../pictures/fingerprint';
import { MediaShelf } from '../pictures/media-shelf';
import { containerCrash } from '../faults/simple-faults';
import { newCallId } from './calls';
import { gpuOf } from './endpoints';
import { findRoute } from './errors';
import { NamedJob, type NamedJobEnd, type NamedJobError, type NamedOrder } from './named-job';
import { callCostUsd } from './result-headers';
import { billedSeconds, journalled, promptOf, type RouteOrder, type RouteRunner } from './route-runner';

/** What a claim of a key came to. */
export type Claim = { job: NamedJob; isNew: boolean } | 'voided' | 'other_body';

/**
 * The named jobs of all apps. They live in the platform, not in the gateway that takes the requests: an outage of the
 * gateway stops none of them, and their results are there when it is back.
 */
export class NamedJobs {
  readonly #context: EmulatorContext;
  readonly #runner: RouteRunner;
  readonly #jobs = new Map<string, { job: NamedJob; work: Promise<RouteOrder | Answer> } | 'voided'>();
  readonly #results = new MediaShelf<{ bytes: Buffer }>();

  constructor(context: EmulatorContext, runner: RouteRunner) {
    this.#context = context;
    this.#runner = runner;
  }

  find(app: string, key: string): NamedJob | 'voided' | undefined {
    const found = this.#jobs.get(nameOf({ app, key }));
    return typeof found === 'object' ? found.job : found;
  }

  /** Bytes of a job that succeeded; `undefined` when they are not kept any more. */
  result(job: NamedJob): Buffer | undefined {
    return this.#results.get(nameOf(job))?.bytes;
  }

  /** Takes the key for this order, unless it is taken or void. The ledger knows the job when this resolves. */
  async claim(app: string, key: string, { path, body }: NamedOrder): Promise<Claim> {
    const name = nameOf({ app, key });
    const digest = sha256(canonicalJson({ path, body }));
    const found = this.#jobs.get(name);
    if (found === 'voided') return 'voided';
    if (found !== undefined) {
      if (found.job.digest !== digest) return 'other_body';
      await found.work;
      return { job: found.job, isNew: false };
    }
    const prompt = isRecord(body) ? promptOf(body) : '';
    const job = new NamedJob({ app, key, path, prompt, digest });
    // Nothing is awaited between the look and this: of two at once, one wins.
    const claimed = { job, work: this.#order(job, body).then((work) => this.#record(job, body, work)) };
    this.#jobs.set(name, claimed);
    await claimed.work;
    return { job, isNew: true };
  }

  /** Makes sure a key that was never accepted never will be. Returns the job when it was accepted already. */
  void(app: string, key: string): NamedJob | undefined {
    const found = this.find(app, key);
    if (typeof found === 'object') return found;
    this.#jobs.set(nameOf({ app, key }), 'voided');
    return undefined;
  }

  /** Spawns the call of a claimed job, unless that was done. */
  spawn(job: NamedJob): void {
    const found = this.#jobs.get(nameOf(job));
    if (typeof found !== 'object' || job.callId !== null || job.end !== undefined) return;
    job.callId = newCallId();
    if (job.entry !== undefined) job.entry.callId = job.callId;
    void this.#live(job, found.work);
  }

  /** Stops a job that has not ended. In the queue it costs nothing; at work, its GPU seconds so far. */
  async stop(job: NamedJob): Promise<void> {
    const found = this.#jobs.get(nameOf(job));
    if (typeof found !== 'object') return;
    const work = await found.work;
    job.stop.abort();
    this.#finish(job, work, { state: 'cancelled' });
  }

  reset(): void {
    this.#jobs.clear();
    this.#results.clear();
  }

  /** What the route would work on, or its refusal. */
  async #order({ app, path, prompt }: NamedJob, body: unknown): Promise<RouteOrder | Answer> {
    const fault = this.#context.faults.take('modal', 'run', { endpoint: path, app, prompt });
    const endpoint = findRoute(app, path);
    if ('status' in endpoint) return endpoint;
    return await this.#runner.check(endpoint, isRecord(body) ? body : 'not-an-object', fault);
  }

  /** Notes a job that will be paid: one that its route refuses, too, for its run is billed like any other. */
  #record(job: NamedJob, body: unknown, work: RouteOrder | Answer): RouteOrder | Answer {
    const { app, path, key: jobKey } = job;
    // A reset in between has forgotten it.
    if (this.find(app, jobKey) !== job) return work;
    const noted: AcceptedJob = isAnswer(work)
      ? { provider: 'modal', endpoint: path, app, ...describeBody(body) }
      : journalled(work);
    job.entry = this.#context.journal.accept({ ...noted, jobKey, callId: job.callId ?? undefined });
    return work;
  }

  async #live(job: NamedJob, recorded: Promise<RouteOrder | Answer>): Promise<void> {
    const work = await recorded;
    try {
      this.#finish(job, work, await this.#carryOut(job, work));
    } catch (error) {
      // Whoever ended the wait has answered for the job.
      if (job.stop.signal.aborted || error instanceof EraEnded) return;
      this.#context.log.error({ err: error, endpoint: job.path }, 'a named job could not be carried out');
      this.#finish(job, work, runnerFailure('runner_error', String(error)));
    }
  }

  async #carryOut(job: NamedJob, work: RouteOrder | Answer): Promise<Outcome> {
    const { clock, settings } = this.#context;
    const { signal } = job.stop;
    if (isAnswer(work)) {
      await clock.wait(this.#runner.coldStartSeconds(job.app), signal);
      job.beginRun(refusalSeconds, 0);
      return outcomeOf(work);
    }
    const { endpoint, fault } = work;
    await clock.wait(this.#runner.startSeconds(work), signal);
    const run = async (share: number): Promise<void> => {
      const seconds = this.#runner.workSeconds(work) * share;
      job.beginRun(billedSeconds(endpoint) * share, seconds * settings.current.timeScale * 1000);
      await clock.wait(seconds, signal);
      job.completeRun();
    };
    if (fault?.name === 'runner_lost' || fault?.name === 'runner_killed') await run(0.5);
    if (fault?.name === 'runner_lost') return runnerFailure('runner_lost', containerCrash);
    const [answer] = await Promise.all([this.#runner.answer(work), run(1)]);
    if (fault?.name === 'plain_500') return runnerFailure('runner_lost', containerCrash);
    return outcomeOf(spoiledAnswer(answer, fault));
  }

  #finish(job: NamedJob, work: RouteOrder | Answer, { state, error, answer }: Outcome): void {
    if (job.end !== undefined) return;
    const [seconds, costUsd] = price(job);
    if (job.entry !== undefined) this.#context.journal.finish(job.entry, state, costUsd);
    const result = state === 'succeeded' && answer !== undefined ? this.#keep(job, answer) : undefined;
    // Where the route's headers say nothing of the cost, nobody else does either.
    const isUntold = !isAnswer(work) && work.fault?.name === 'no_cost_headers';
    job.finish({
      state,
      seconds,
      costUsd: isUntold ? null : costUsd,
      error,
      headers: answer?.headers,
      result,
    });
  }

  #keep(job: NamedJob, { headers, body }: Answer): NamedJobEnd['result'] {
    this.#results.put(nameOf(job), { bytes: body });
    return { mediaType: headers['content-type'] ?? '', bytes: body.length, sha256: sha256(body) };
  }
}

/** GPU seconds a route is at work until it refuses. */
const refusalSeconds = 0.01;

/** How a job ended, before anybody has counted what it costs. */
interface Outcome {
  state: NamedJobEnd['state'];
  error?: NamedJobError | undefined;
  answer?: Answer | undefined;
}

function outcomeOf(answer: Answer): Outcome {
  if (answer.status === 200) return { state: 'succeeded', answer };
  const contentType = answer.headers['content-type'] ?? null;
  const body = answer.body.toString('utf8');
  return {
    state: 'failed',
    answer,
    error: { status: answer.status, contentType, body, code: 'route_error' },
  };
}

function runnerFailure(code: 'runner_lost' | 'runner_error', body: string): Outcome {
  return { state: 'failed', error: { status: null, contentType: null, body, code } };
}

/** GPU seconds and USD up to now, to the millisecond and the millionth. */
function price(job: NamedJob): [seconds: number, costUsd: number] {
  if (job.runs === 0) return [0, 0];
  // A run that had begun is billed, if only for the blink of an eye.
  const seconds = Math.max(1, Math.round(job.spentSeconds() * 1000)) / 1000;
  return [seconds, callCostUsd({ gpu: gpuOf(job.app) }, seconds)];
}

function nameOf({ app, key }: { app: string; key: string }): string {
  return `${app}/${key}`;
}

function isAnswer(work: RouteOrder | Answer): work is Answer {
  return 'status' in work;
}
