import { once } from 'node:events';
import { createHash } from 'node:crypto';
import type { StoredAsset } from '../../src/domain/stored-asset';
import type { ProviderName } from '../../src/domain/taxonomy';
import { ProviderError, type ProviderCharge, type ProviderErrorOptions } from '../../src/providers/errors';
import { outcomeUnknown } from '../../src/providers/outcome-unknown';
import type {
  CallContext,
  ProviderClient,
  ProviderHealth,
  ProviderJob,
  ProviderResult,
  UnwantedJob,
} from '../../src/providers/types';

/** What the provider does with its n-th call (1-based). */
export type Answer = (job: ProviderJob, call: number, context: CallContext) => Promise<ProviderResult>;

/** A provider in this process that keeps every paid job it was given. */
export class FakeProvider implements ProviderClient {
  readonly jobs: ProviderJob[] = [];
  /** The jobs it was told to stop. */
  readonly stopped: UnwantedJob[] = [];
  /** What it says a stopped job is billed. */
  chargeOfStop: ProviderCharge | undefined;

  get findsLostJobs(): boolean {
    return this.provider === 'comfyui';
  }

  constructor(
    readonly provider: ProviderName,
    public answer: Answer = (job) => Promise.resolve(picture(job)),
  ) {}

  async generate(job: ProviderJob, context: CallContext): Promise<ProviderResult> {
    this.jobs.push(job);
    return await this.answer(job, this.jobs.length, context);
  }

  /** What a probe finds. */
  isHealthy = true;

  stop(job: UnwantedJob): Promise<ProviderCharge | undefined> {
    this.stopped.push(job);
    return Promise.resolve(this.chargeOfStop);
  }

  /** Times it was asked for its health. */
  healthChecks = 0;

  checkHealth(...[]: Parameters<ProviderClient['checkHealth']>): Promise<ProviderHealth> {
    this.healthChecks += 1;
    return Promise.resolve({ healthy: this.isHealthy, detail: 'fake' });
  }
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
export function failing(
  failureClass: ProviderErrorOptions['failureClass'],
  options: Partial<ProviderErrorOptions> & { message?: string } = {},
): Answer {
  return (job) => {
    const error = new ProviderError(options.message ?? `${failureClass} at ${job.endpoint}`, {
      provider: 'modal',
      code: failureClass,
      certainty: 'not_sent',
      ...options,
      failureClass,
    });
    return Promise.reject(error);
  };
}

/** The connection breaks after the submit left: nobody knows whether it was accepted, and nobody can find out. */
export const lost: Answer = async (job, call, context) => {
  if (context.dispatch.previous.phase === 'intent') throw outcomeUnknown('modal');
  await context.dispatch.intent();
  return await failing('transient', { code: 'connection_lost', certainty: 'unknown' })(job, call, context);
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
