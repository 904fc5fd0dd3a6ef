import { toProviderError, type CallState } from '../call-failure';
import { DeadlineExceeded, delayAbort, openCallScope, pause, queueEndMs } from '../deadlines';
import { ProviderError, type ProviderErrorOptions } from '../errors';
import { withInputs } from '../input-values';
import { jobElsewhere, outcomeUnknown } from '../outcome-unknown';
import { readResult } from '../read-result';
import type { CallContext, ProviderJob, ProviderResult } from '../types';
import type { ExchangeOptions, FalApi } from './api';
import { cancelJob, chargeOfCancel } from './cancel';
import { collectMedia } from './collect-media';
import { falErrorOfType } from './errors';
import { isWorthAnotherPoll, nextPollPauseMs, defaultFirstPollPauseMs, maxFailedPolls } from './polling';
import { withSafetyChecker } from './safety';
import { uploadInput } from './upload-input';
import { isKnownStatus, phaseOfStatus, recordedHandle, type FalHandle, type FalStatus } from './wire';

export interface FalCallOptions {
  api: FalApi;
  job: ProviderJob;
  context: CallContext;
  /** The caller's abort and the total deadline. */
  signal: AbortSignal;
}

/** A submit that is cancelled under way may still be answered this long: without its handle nothing can be undone. */
const submitGraceSeconds = 5;
/** For a result that came just as our time was up: its read and its download. It is paid, so it is worth this much more. */
const lateCollectSeconds = 20;

/** One job in Fal's queue: submit, poll, collect. Cancels it there whenever we stop waiting for it. */
export class FalCall {
  readonly state: CallState = { provider: 'fal', stage: 'preparing', resumable: false, blankIs: 'policy' };
  private resumed = false;

  constructor(private readonly options: FalCallOptions) {}

  async run(): Promise<ProviderResult> {
    const handle = await this.obtainHandle();
    this.state.stage = 'accepted';
    this.state.resumable = true;
    try {
      const { signal } = this.options;
      return await this.collect(handle, await this.awaitCompletion(handle), signal);
    } catch (error) {
      if (!this.options.signal.aborted) throw error;
      return await this.giveUp(handle);
    }
  }

  /**
   * Leaves no job behind that nobody waits for.
   *
   * @throws the reason of the abort, unless our time was up just as the result came.
   */
  private async giveUp(handle: FalHandle): Promise<ProviderResult> {
    const { signal, context } = this.options;
    const word = await cancelJob(this.options.api, handle);
    if (!(signal.reason instanceof DeadlineExceeded)) context.onStopped?.(chargeOfCancel(word));
    else if (word === 'ALREADY_COMPLETED') return await this.collectLate(handle);
    // Where no word came back the job may well go on, and can still be collected.
    this.state.resumable = word === undefined;
    this.state.charge = chargeOfCancel(word);
    throw signal.reason;
  }

  private async collectLate(handle: FalHandle): Promise<ProviderResult> {
    const scope = openCallScope(this.options.context.signal, lateCollectSeconds);
    try {
      return await this.collect(handle, { status: 'COMPLETED' }, scope.signal);
    } finally {
      scope.close();
    }
  }

  private async obtainHandle(): Promise<FalHandle> {
    const { previous } = this.options.context.dispatch;
    if (previous.phase === 'none') return await this.submit();
    this.state.stage = 'accepted';
    const handle = previous.phase === 'accepted' ? recordedHandle(previous.handle) : undefined;
    if (handle === undefined) throw outcomeUnknown('fal');
    this.resumed = true;
    this.state.providerRequestId = handle.requestId;
    if (!this.options.api.isOurs(handle)) throw jobElsewhere('fal', handle.requestId);
    return handle;
  }

  private async submit(): Promise<FalHandle> {
    const { api, job, context, signal } = this.options;
    const body = await this.wireBody();
    await context.dispatch.intent();
    signal.throwIfAborted();
    this.state.stage = 'submitting';
    const grace = delayAbort(signal, submitGraceSeconds);
    try {
      const handle = await api.submit(job.endpoint, body, { ...this.exchange(), signal: grace.signal });
      this.state.providerRequestId = handle.requestId;
      return { ...handle, queuedSince: new Date().toISOString() };
    } finally {
      grace.close();
    }
  }

  private async wireBody() {
    const { api, job, context } = this.options;
    const parameters = withSafetyChecker(job.parameters);
    if (job.inputs.length > 0) context.onProgress({ phase: 'uploading' });
    const options = { api, media: context.media, exchange: this.exchange() };
    return await withInputs(parameters, job.inputs, (input) => uploadInput(input, options));
  }

  private async awaitCompletion(handle: FalHandle): Promise<FalStatus> {
    const { api, context, job, signal } = this.options;
    if (!this.resumed) await context.dispatch.accepted(handle, handle.requestId);
    const queuedUntilMs = queueEndMs(handle.queuedSince, job.deadlines.queueSeconds);
    let pauseMs = api.settings.firstPollPauseMs ?? defaultFirstPollPauseMs;
    for (;;) {
      await pause(pauseMs, signal);
      const status = await this.poll(handle, pauseMs);
      const phase = this.phaseOf(status);
      if (phase === 'completed') return status;
      context.onProgress({ phase, queuePosition: status.queue_position });
      if (phase === 'queued' && Date.now() >= queuedUntilMs) return await this.leaveQueue(handle, status);
      pauseMs = nextPollPauseMs(pauseMs);
    }
  }

  /** Asks until an answer comes, a bounded number of times: the job goes on whether or not we see it. */
  private async poll(handle: FalHandle, pauseMs: number): Promise<FalStatus> {
    for (let failed = 1; ; failed += 1) {
      try {
        return await this.options.api.status(handle, this.exchange());
      } catch (error) {
        if (this.options.signal.aborted || !isWorthAnotherPoll(error) || failed >= maxFailedPolls)
          throw error;
        await pause(nextPollPauseMs(pauseMs, error), this.options.signal);
      }
    }
  }

  /** A word that is none of the official client's is a failure to look into, never a reason to wait for ever. */
  private phaseOf({ status }: FalStatus): 'queued' | 'running' | 'completed' {
    if (isKnownStatus(status)) return phaseOfStatus[status];
    const message = 'Fal answered with a status word we do not know';
    throw this.failure('transient', 'status_unknown', message, { resumable: true });
  }

  private async leaveQueue(handle: FalHandle, status: FalStatus): Promise<FalStatus> {
    const word = await cancelJob(this.options.api, handle);
    if (word === 'ALREADY_COMPLETED') return { ...status, status: 'COMPLETED' };
    const { queueSeconds } = this.options.job.deadlines;
    const message = `the job was still in Fal's queue after ${String(queueSeconds)} s and was cancelled`;
    throw this.failure('capacity', 'queue_timeout', message, {
      // At any other word than OK it may have begun, and at none it may go on.
      charge: chargeOfCancel(word),
      resumable: word === undefined,
    });
  }

  private async collect(handle: FalHandle, done: FalStatus, signal: AbortSignal): Promise<ProviderResult> {
    const { context } = this.options;
    context.onProgress({ phase: 'downloading' });
    return await readResult(() => this.download(handle, done, signal), {
      brokenReads: handle.brokenReads ?? 0,
      remember: (brokenReads) => context.dispatch.accepted({ ...handle, brokenReads }, handle.requestId),
      explain: (error) => toProviderError(error, this.state),
    });
  }

  private async download(handle: FalHandle, done: FalStatus, signal: AbortSignal): Promise<ProviderResult> {
    const { api, job, context } = this.options;
    const { requestId: providerRequestId } = handle;
    const exchange = this.exchange(signal);
    const output = await api.result(handle, exchange);
    const isEmpty = output.image === undefined && (output.images ?? []).length === 0;
    if (isEmpty && done.error_type !== undefined) throw falErrorOfType(done.error_type, providerRequestId);
    const save = { signal, expects: job.mediaKind, expectedSize: job.expectedSize };
    return {
      assets: await collectMedia(output, { api, media: context.media, exchange, save, providerRequestId }),
      executionSeconds: done.metrics?.inference_time,
      providerRequestId,
    };
  }

  private exchange(signal = this.options.signal): ExchangeOptions {
    return { deadlines: this.options.job.deadlines, signal };
  }

  private failure(
    failureClass: ProviderError['failureClass'],
    code: string,
    message: string,
    known: Partial<ProviderErrorOptions> = {},
  ): ProviderError {
    const { providerRequestId } = this.state;
    const certainty = 'accepted';
    return new ProviderError(message, {
      ...{ provider: 'fal', failureClass, code, certainty, providerRequestId },
      ...known,
    });
  }
}
