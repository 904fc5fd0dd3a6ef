import { once } from 'node:events';
import { createHash } from 'node:crypto';
import type { StoredAsset } from '../../src/domain/stored-asset';
import type { FailureCode } from '../../src/domain/failures';
import type { FailureClass, JsonValue, ProviderName } from '../../src/domain/taxonomy';
import { ProviderError, type ProviderCharge, type ProviderErrorOptions } from '../../src/providers/errors';
import { outcomeUnknown } from '../../src/providers/outcome-unknown';
import type {
  CallContext,
  CollectContext,
  DispatchState,
  FindContext,
  Found,
  ProviderClient,
  ProviderHealth,
  ProviderJob,
  ProviderResult,
  Stopped,
  SubmitContext,
  Submitted,
  UnwantedJob,
} from '../../src/providers/types';

/**
 * What the provider does with its n-th call (1-based), from the submit to the result. `dispatch.accepted` ends the
 * submit, and resolves when the handle is on record. With `previous` it is asked for what an earlier call left.
 */
export type Answer = (job: ProviderJob, call: number, context: CallContext) => Promise<ProviderResult>;

/** A provider in this process that keeps every paid job it was given. */
export class FakeProvider implements ProviderClient {
  readonly jobs: ProviderJob[] = [];
  /** The jobs it was told to stop. */
  readonly stopped: UnwantedJob[] = [];
  /** What it says a stopped job is billed; left out, it cannot tell what became of the job. */
  chargeOfStop: ProviderCharge | undefined;
  /** Its whole answer to a stop, where it is another one. */
  answerToStop: Stopped | undefined;
  /** A submit leaves its job's key to be found by, as at the pod. */
  leavesClue: boolean;
  /** A key names one job for ever, as at the pod. */
  goesByKey: () => boolean;
  /** Answers that went beyond their submit, by job and handle, until they are collected. */
  private readonly accepted = new Map<string, RunningAnswer>();

  constructor(
    readonly provider: ProviderName,
    public answer: Answer = (job) => Promise.resolve(picture(job)),
  ) {
    this.leavesClue = provider === 'comfyui';
    this.goesByKey = () => provider === 'comfyui';
  }

  async submit(job: ProviderJob, context: SubmitContext): Promise<Submitted> {
    const running = new RunningAnswer(this.begin(job), {
      ...context,
      dispatch: {
        previous: { phase: 'none' },
        intent: async (clue) => {
          await context.intent(clue ?? (this.leavesClue ? { jobKey: job.jobKey } : undefined));
        },
      },
    });
    return await this.afterSubmit(job, running);
  }

  async find(job: ProviderJob, clue: JsonValue, context: FindContext): Promise<Found> {
    const running = new RunningAnswer(this.begin(job), {
      signal: context.signal,
      dispatch: { previous: { phase: 'intent', clue }, intent: () => Promise.resolve() },
    });
    try {
      const found = await this.afterSubmit(job, running);
      if (found.kind === 'accepted') return found;
      const handle = { foundBy: clue };
      this.accepted.set(keyOf(job, handle), running);
      return { kind: 'accepted', handle };
    } catch (error) {
      if (error instanceof ProviderError && error.code === 'never_accepted') return { kind: 'never' };
      throw error;
    }
  }

  async collect(job: ProviderJob, handle: JsonValue, context: CollectContext): Promise<ProviderResult> {
    const key = keyOf(job, handle);
    const running = this.accepted.get(key);
    this.accepted.delete(key);
    if (running !== undefined) return await running.collect(context);
    const late = new RunningAnswer(this.begin(job), {
      ...context,
      dispatch: { previous: { phase: 'accepted', handle }, intent: () => Promise.resolve() },
    });
    return await late.collect(context);
  }

  private begin(job: ProviderJob): (context: CallContext) => Promise<ProviderResult> {
    this.jobs.push(job);
    const call = this.jobs.length;
    return async (context) => await this.answer(job, call, context);
  }

  private async afterSubmit(job: ProviderJob, running: RunningAnswer): Promise<Submitted> {
    const submitted = await running.submitted;
    if (submitted.kind === 'accepted') this.accepted.set(keyOf(job, submitted.handle), running);
    return submitted;
  }

  /** What a probe finds. */
  isHealthy = true;

  stop(job: UnwantedJob): Promise<Stopped> {
    this.stopped.push(job);
    if (this.answerToStop !== undefined) return Promise.resolve(this.answerToStop);
    const { chargeOfStop: charge } = this;
    return Promise.resolve(
      charge === undefined ? { kind: 'cannot_tell', reason: 'it does not say' } : { kind: 'stopped', charge },
    );
  }

  /** Times it was asked for its health. */
  healthChecks = 0;

  checkHealth(...[]: Parameters<ProviderClient['checkHealth']>): Promise<ProviderHealth> {
    this.healthChecks += 1;
    return Promise.resolve({ healthy: this.isHealthy, detail: 'fake' });
  }
}

interface AnswerContext extends FindContext {
  media?: CallContext['media'];
  onProgress?: CallContext['onProgress'];
  dispatch: { previous: DispatchState; intent: (clue?: JsonValue) => Promise<void> };
}

/** One answer that spans several verbs: it runs on from its submit to where its result is collected. */
class RunningAnswer {
  /** Ends with the first handle, or with the answer itself. */
  readonly submitted: Promise<Submitted>;
  private readonly result: Promise<ProviderResult>;
  private isAccepted = false;
  private collecting: CollectContext | undefined;
  private onCollect: ((context: CollectContext) => void)[] = [];

  constructor(answer: (context: CallContext) => Promise<ProviderResult>, context: AnswerContext) {
    let accept: (submitted: Submitted) => void = () => undefined;
    const accepted = new Promise<Submitted>((resolve) => {
      accept = resolve;
    });
    const { previous, intent } = context.dispatch;
    this.result = answer({
      signal: context.signal,
      media: context.media ?? noMedia,
      onProgress: (progress) => (this.collecting ?? context).onProgress?.(progress),
      dispatch: {
        previous,
        intent,
        undone: () => undefined,
        accepted: async (handle, providerRequestId) => {
          const ends = previous.phase !== 'accepted' && !this.isAccepted;
          this.isAccepted = true;
          if (ends) accept({ kind: 'accepted', handle, providerRequestId });
          const collecting = await this.collected();
          if (!ends) await collecting.remember(handle);
        },
      },
    });
    this.submitted = Promise.race([
      accepted,
      this.result.then((result): Submitted => ({ kind: 'finished', result })),
    ]);
    // Nobody may wait for the answer any more, and it ends all the same.
    this.result.catch(() => undefined);
    this.submitted.catch(() => undefined);
  }

  async collect(context: CollectContext): Promise<ProviderResult> {
    this.collecting = context;
    this.onCollect.forEach((go) => {
      go(context);
    });
    return await this.result;
  }

  private async collected(): Promise<CollectContext> {
    return this.collecting ?? (await new Promise((resolve) => this.onCollect.push(resolve)));
  }
}

const noMedia: CallContext['media'] = {
  open: () => Promise.reject(new Error('a look-up reads no asset')),
  save: () => Promise.reject(new Error('a look-up stores nothing')),
};

function keyOf({ jobKey }: ProviderJob, handle: JsonValue): string {
  return JSON.stringify([jobKey, handle]);
}

/** A finished job: one picture whose id derives from the job, as the emulator's bytes do. */
export function picture(job: ProviderJob, costUsd?: number): ProviderResult {
  const body = JSON.stringify([job.endpoint, job.parameters]);
  const asset: StoredAsset = {
    assetId: createHash('sha256').update(body).digest('hex'),
    mediaType: 'image/jpeg',
    bytes: 1000,
    width: 1024,
    height: 1024,
  };
  return { assets: [asset], ...(costUsd !== undefined && { costUsd }) };
}

/** Fails with this class; nothing was sent unless said otherwise. */
/** A code of each class, for tests that care about nothing else. */
const exampleOf: Readonly<Record<FailureClass, FailureCode>> = {
  transient: 'generation_failed',
  capacity: 'rate_limited',
  outage: 'connection_refused',
  corrupt: 'reply_invalid',
  auth: 'unexpected_refusal',
  input: 'input_rejected',
  policy: 'content_policy_violation',
  lora: 'lora_missing',
};

/** @param what a code, or a class for any code of it. By default nothing was sent. */
export function failing(
  what: FailureCode | FailureClass,
  options: Partial<ProviderErrorOptions> & { message?: string } = {},
): Answer {
  return (job) => {
    const code = what in exampleOf ? exampleOf[what as FailureClass] : (what as FailureCode);
    const error = new ProviderError(options.message ?? `${what} at ${job.endpoint}`, {
      provider: 'modal',
      code,
      outcome: 'nothing_sent',
      ...options,
    });
    return Promise.reject(error);
  };
}

/** The connection breaks after the submit left: nobody knows whether it was accepted, and nobody can find out. */
export const lost: Answer = async (job, call, context) => {
  if (context.dispatch.previous.phase === 'intent') throw outcomeUnknown('modal');
  await context.dispatch.intent();
  return await failing('connection_lost', { outcome: 'nobody_knows' })(job, call, context);
};

/** The worker goes while the submit is on its way: the provider is well, and nobody can find out. */
export const lostByWorker: Answer = async (_job, _call, context) => {
  if (context.dispatch.previous.phase === 'intent') throw outcomeUnknown('modal');
  await context.dispatch.intent();
  throw new Error('the worker stops here');
};

/** Answers nothing until the call is cancelled. */
export const hanging: Answer = async (_job, _call, { signal }) => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

/** Different answers for the first calls; the last one stays. */
export function inTurn(...answers: [Answer, ...Answer[]]): Answer {
  return (job, call, context) => {
    const answer = answers[Math.min(call, answers.length) - 1] ?? answers[0];
    return answer(job, call, context);
  };
}
