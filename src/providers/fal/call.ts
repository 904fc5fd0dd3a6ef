import type { CallState } from '../call-failure';
import { delayAbort, pause } from '../deadlines';
import { ProviderError } from '../errors';
import { withInputs } from '../input-values';
import type { CallContext, ProviderJob, ProviderResult } from '../types';
import type { ExchangeOptions, FalApi } from './api';
import { collectMedia } from './collect-media';
import { falErrorOfType } from './errors';
import { isWorthAnotherPoll, nextPollPauseMs, defaultFirstPollPauseMs, maxFailedPolls } from './polling';
import { withSafetyChecker } from './safety';
import { uploadInput } from './upload-input';
import { falHandleSchema, isKnownStatus, phaseOfStatus, type FalHandle, type FalStatus } from './wire';

export interface FalCallOptions {
  api: FalApi;
  job: ProviderJob;
  context: CallContext;
  /** The caller's abort and the total deadline. */
  signal: AbortSignal;
}

/** A submit that is cancelled under way may still be answered this long: without its handle nothing can be undone. */
const submitGraceSeconds = 5;
const cancelSeconds = 5;

/** One job in Fal's queue: submit, poll, collect. Cancels it there whenever we stop waiting for it. */
export class FalCall {
  readonly state: CallState = { provider: 'fal', stage: 'preparing', resumable: false, blankIs: 'policy' };
  private resumed = false;

  constructor(private readonly options: FalCallOptions) {}

  async run(): Promise<ProviderResult> {
    const handle = await this.obtainHandle();
    const completed = await this.watchOver(handle);
    return await this.collect(handle, completed);
  }

  private async obtainHandle(): Promise<FalHandle> {
    const { previous } = this.options.context.dispatch;
    if (previous.phase === 'none') return await this.submit();
    this.state.stage = 'accepted';
    const handle =
      previous.phase === 'accepted' ? falHandleSchema.safeParse(previous.handle).data : undefined;
    if (handle === undefined) throw outcomeUnknown();
    this.resumed = true;
    this.state.providerRequestId = handle.requestId;
    return this.options.api.checkedHandle(handle);
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
      return handle;
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

  /** Records the handle and waits for the job, leaving none behind that nobody waits for. */
  private async watchOver(handle: FalHandle): Promise<FalStatus> {
    this.state.stage = 'accepted';
    this.state.resumable = true;
    try {
      if (!this.resumed) await this.options.context.dispatch.accepted(handle);
      return await this.awaitCompletion(handle);
    } catch (error) {
      if (!this.options.signal.aborted) throw error;
      this.state.resumable = false;
      await this.cancel(handle);
      throw this.options.signal.reason;
    }
  }

  private async awaitCompletion(handle: FalHandle): Promise<FalStatus> {
    const { api, context, job, signal } = this.options;
    const queuedUntilMs = Date.now() + job.deadlines.queueSeconds * 1000;
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
    throw this.failure('transient', 'status_unknown', 'Fal answered with a status word we do not know');
  }

  private async leaveQueue(handle: FalHandle, status: FalStatus): Promise<FalStatus> {
    const word = await this.cancel(handle);
    if (word === 'ALREADY_COMPLETED') return { ...status, status: 'COMPLETED' };
    const { queueSeconds } = this.options.job.deadlines;
    const message = `the job was still in Fal's queue after ${String(queueSeconds)} s and was cancelled`;
    throw this.failure('capacity', 'queue_timeout', message);
  }

  /** Best effort, with limits of its own: it runs when the call's signal has long been aborted. */
  private async cancel(handle: FalHandle): Promise<string | undefined> {
    const deadlines = {
      connectSeconds: cancelSeconds,
      firstByteSeconds: cancelSeconds,
      idleSeconds: cancelSeconds,
    };
    const signal = AbortSignal.timeout(cancelSeconds * 1000);
    return await this.options.api.cancel(handle, { deadlines, signal }).catch(() => undefined);
  }

  private async collect(handle: FalHandle, completed: FalStatus): Promise<ProviderResult> {
    const { api, job, context } = this.options;
    const { requestId: providerRequestId } = handle;
    context.onProgress({ phase: 'downloading' });
    const output = await api.result(handle, this.exchange());
    const isEmpty = output.image === undefined && (output.images ?? []).length === 0;
    if (isEmpty && completed.error_type !== undefined)
      throw falErrorOfType(completed.error_type, providerRequestId);
    // A download that failed in two attempts is a dead link: the next attempt makes the picture anew.
    this.state.resumable = !this.resumed;
    const { media } = context;
    const options = { api, media, exchange: this.exchange(), expects: job.mediaKind, providerRequestId };
    return {
      assets: await collectMedia(output, { ...options, resumable: this.state.resumable }),
      executionSeconds: completed.metrics?.inference_time,
      providerRequestId,
    };
  }

  private exchange(): ExchangeOptions {
    return { deadlines: this.options.job.deadlines, signal: this.options.signal };
  }

  private failure(failureClass: ProviderError['failureClass'], code: string, message: string): ProviderError {
    const { providerRequestId } = this.state;
    return new ProviderError(message, {
      provider: 'fal',
      failureClass,
      code,
      certainty: 'accepted',
      providerRequestId,
    });
  }
}

/** Fal knows no idempotency key: a submit that may have arrived must not be sent again. */
function outcomeUnknown(): ProviderError {
  return new ProviderError('an earlier attempt may have been accepted by Fal; its outcome is unknown', {
    provider: 'fal',
    failureClass: 'transient',
    code: 'outcome_unknown',
    certainty: 'unknown',
  });
}
