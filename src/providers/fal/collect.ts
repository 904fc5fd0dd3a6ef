import type { FailureCode } from '../../domain/failures';
import { roundUsd } from '../../domain/round-usd';
import type { Billing } from '../../domain/attempt-record';
import type { JsonValue } from '../../domain/taxonomy';
import { type CallState, toProviderError } from '../call-failure';
import { DeadlineExceeded, pause, queueEndMs } from '../http/deadlines';
import { ProviderError, endedAs } from '../errors';
import { jobElsewhere, outcomeUnknown } from '../outcome-unknown';
import { readResult } from '../read-result';
import type { CollectContext, ProviderJob, ProviderResult } from '../types';
import type { ExchangeOptions, FalApi } from './api';
import { collectMedia } from './collect-media';
import { falError, falErrorOfType } from './errors';
import { listedRequest, mustHaveEnded } from './find';
import type { FalPlatform } from './platform';
import type { FalPrices } from './prices';
import {
  type FalHandle,
  type FalOutput,
  type FalStatus,
  type ListedRequest,
  falOutputSchema,
  isKnownStatus,
  phaseOfStatus,
  recordedHandle,
} from './wire';
import { TransportError } from '../http/transport-error';

export interface FalCollectOptions {
  api: FalApi;
  platform: FalPlatform;
  prices: FalPrices;
  job: ProviderJob;
  context: CollectContext;
}

/**
 * Waits for an accepted job and stores its pictures.
 *
 * @throws ProviderError, or the reason of the caller's abort.
 */
export async function collectJob(noted: JsonValue, options: FalCollectOptions): Promise<ProviderResult> {
  const handle = recordedHandle(noted);
  if (handle === undefined) throw outcomeUnknown('fal');
  if (!options.api.isOurs(handle)) throw jobElsewhere('fal', handle.requestId);
  return await new Collection(handle, options).run();
}

class Collection {
  private readonly state: CallState;
  /** What Fal charges, as soon as it has said so. */
  private billing: Billing | undefined;

  constructor(
    private readonly handle: FalHandle,
    private readonly options: FalCollectOptions,
  ) {
    const providerRequestId = handle.requestId;
    this.state = { provider: 'fal', stage: 'accepted', blankIs: 'policy', providerRequestId };
    options.prices.refresh(handle.endpoint);
  }

  async run(): Promise<ProviderResult> {
    try {
      return await this.awaitAndRead();
    } catch (error) {
      this.options.context.signal.throwIfAborted();
      const failure = toProviderError(error, this.state);
      const usd = this.costUsd();
      const { billing } = this;
      throw failure.charge === 'price' && usd !== undefined
        ? failure.with({ charge: { usd }, billing })
        : failure.with({ billing });
    }
  }

  private async awaitAndRead(): Promise<ProviderResult> {
    try {
      return await this.read(await this.awaitCompletion());
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== 'request_lost') throw error;
      return await this.readFromList(error);
    }
  }

  private async awaitCompletion(): Promise<FalStatus> {
    const { api, context, job } = this.options;
    const { handle } = this;
    if (handle.hasEnded === true) return { status: 'COMPLETED' };
    const queuedUntilMs = queueEndMs(handle.queuedSince, job.deadlines.queueSeconds);
    let pauseMs = api.settings.firstPollPauseMs ?? defaultFirstPollPauseMs;
    for (;;) {
      await pause(pauseMs, context.signal);
      const status = await this.poll(pauseMs);
      const phase = this.phaseOf(status);
      if (phase === 'completed') return status;
      context.onProgress({ phase, queuePosition: status.queue_position });
      if (phase === 'queued' && Date.now() >= queuedUntilMs) throw this.leftInQueue();
      pauseMs = nextPollPauseMs(pauseMs);
    }
  }

  /** Asks until an answer comes, a bounded number of times: the job goes on whether or not we see it. */
  private async poll(pauseMs: number): Promise<FalStatus> {
    const { api, context } = this.options;
    for (let failed = 1; ; failed += 1) {
      try {
        return await api.status(this.handle, this.exchange());
      } catch (error) {
        if (context.signal.aborted || !isWorthAnotherPoll(error) || failed >= maxFailedPolls) throw error;
        await pause(nextPollPauseMs(pauseMs, error), context.signal);
      }
    }
  }

  /** A word that is none of the official client's is a failure to look into, never a reason to wait for ever. */
  private phaseOf({ status }: FalStatus): 'queued' | 'running' | 'completed' {
    if (isKnownStatus(status)) return phaseOfStatus[status];
    throw this.failure('status_unknown', 'Fal answered with a status word we do not know');
  }

  private async read(done: FalStatus): Promise<ProviderResult> {
    const { context } = this.options;
    const { handle } = this;
    context.onProgress({ phase: 'downloading' });
    return await readResult(() => this.download(done), {
      brokenReads: handle.brokenReads ?? 0,
      remember: (brokenReads) => context.remember({ ...handle, brokenReads }),
      explain: (error) => toProviderError(error, this.state),
    });
  }

  private async download(done: FalStatus): Promise<ProviderResult> {
    const output = await this.options.api.result(this.handle, (units) => this.bill(units), this.exchange());
    const isEmpty = output.image === undefined && (output.images ?? []).length === 0;
    if (isEmpty && done.error_type !== undefined)
      throw falErrorOfType(done.error_type, this.handle.requestId);
    return { ...(await this.store(output)), executionSeconds: done.metrics?.inference_time };
  }

  private async store(output: FalOutput): Promise<ProviderResult> {
    const { api, job, context } = this.options;
    const { requestId: providerRequestId } = this.handle;
    const save = { signal: context.signal, expects: job.mediaKind, expectedSize: job.expectedSize };
    const exchange = this.exchange();
    const media = { api, media: context.media, exchange, save, providerRequestId };
    return {
      assets: await collectMedia(output, media),
      providerRequestId,
      costUsd: this.costUsd(),
      billing: this.billing,
    };
  }

  private bill(units: number): number | undefined {
    this.billing = this.options.prices.billing(this.handle.endpoint, units);
    return this.costUsd();
  }

  private costUsd(): number | undefined {
    return this.billing && roundUsd(this.billing.units * this.billing.unitPriceUsd);
  }

  /**
   * The queue knows the request no more, which is no end by itself: the list of those that ended has the last word, and
   * often the result too.
   *
   * @throws `lost` while the job may still run, or where the list cannot be read.
   */
  private async readFromList(lost: ProviderError): Promise<ProviderResult> {
    const { api, platform, context, job } = this.options;
    const { requestId, queuedSince, endpoint } = this.handle;
    if (requestId === undefined || queuedSince === undefined || !(await platform.canList())) throw lost;
    const known = { requestId, queuedSince, endpoint };
    const entry = await listedRequest(platform, known, context.signal).catch(() => {
      throw lost;
    });
    if (entry === undefined) {
      const isOver = mustHaveEnded(job, queuedSince, api.settings.settleSeconds);
      throw lost.with({ outcome: isOver ? 'gone' : 'still_there' });
    }
    const status = entry.status_code ?? 0;
    if (status >= 400) throw this.listedFailure(entry, status);
    const output = falOutputSchema.safeParse(entry.json_output).data;
    if (output === undefined) throw lost;
    context.onProgress({ phase: 'downloading' });
    return await this.store(output);
  }

  private listedFailure({ json_output: output }: ListedRequest, status: number): ProviderError {
    const failure = falError({
      status,
      body: JSON.stringify(output ?? {}),
      step: 'result',
      header: () => undefined,
      providerRequestId: this.handle.requestId,
    });
    return failure.endsJob ? failure : failure.with({ outcome: endedAs(failure.charge) });
  }

  private exchange(): ExchangeOptions {
    return { deadlines: this.options.job.deadlines, signal: this.options.context.signal };
  }

  private leftInQueue(): ProviderError {
    const { queueSeconds } = this.options.job.deadlines;
    const message = `the job was still in Fal's queue after ${String(queueSeconds)} s`;
    return this.failure('queue_timeout', message);
  }

  private failure(code: FailureCode, message: string): ProviderError {
    return new ProviderError(message, {
      ...{ provider: 'fal', code, outcome: 'still_there' },
      providerRequestId: this.handle.requestId,
    });
  }
}

/** Milliseconds before the first status request. */
const defaultFirstPollPauseMs = 500;
/** Failed status requests in a row before the call gives up (the job can still be picked up by its handle). */
const maxFailedPolls = 5;

const growth = 1.5;
const longestPauseMs = 5000;
const longestAskedPauseMs = 30_000;

/** Milliseconds to the next status request: growing, or what the provider asked for after a failed one. */
function nextPollPauseMs(pauseMs: number, failure?: unknown): number {
  const asked = failure instanceof ProviderError ? (failure.retryAfterMs ?? 0) : 0;
  return Math.max(Math.min(pauseMs * growth, longestPauseMs), Math.min(asked, longestAskedPauseMs));
}

/** Whether a failed status request says nothing about the job itself. A refused key stays refused; a lost request is looked up. */
function isWorthAnotherPoll(error: unknown): boolean {
  if (error instanceof TransportError || error instanceof DeadlineExceeded) return true;
  if (!(error instanceof ProviderError)) return false;
  return error.code !== 'request_lost' && error.status !== 401 && error.status !== 403;
}
