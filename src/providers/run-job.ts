import { certaintyOf } from '../domain/dispatch';
import { outcomeFrom } from '../domain/failures';
import { DeadlineExceeded, openCallScope } from './http/deadlines';
import { endedAs, ProviderError } from './errors';
import { outcomeUnknown } from './outcome-unknown';
import type {
  CallContext,
  DispatchState,
  Found,
  ProviderCharge,
  ProviderClient,
  ProviderJob,
  ProviderResult,
  Stopped,
  Submitted,
} from './types';

/** Telling a provider to stop must not delay a cancellation for long. */
const stopSeconds = 10;
/** What came just as our time was up, or in spite of a stop, is paid: its download is worth this much more. */
const lateCollectSeconds = 20;

/**
 * Runs one job to its stored result: submits it, or finds and collects what an earlier call left behind. At most one
 * paid submit.
 *
 * @throws ProviderError for every failure but the caller's own abort, which rejects with the signal's reason after the
 * provider was told to stop.
 */
export async function runJob(
  client: ProviderClient,
  job: ProviderJob,
  context: CallContext,
): Promise<ProviderResult> {
  const scope = openCallScope(context.signal, job.deadlines.totalSeconds);
  const call = new Call(client, job, { ...context, signal: scope.signal });
  try {
    return await call.run();
  } catch (error) {
    if (context.signal.aborted) {
      context.onStopped?.(await call.stop());
      throw context.signal.reason;
    }
    if (scope.signal.aborted || isLeftInQueue(error)) return await call.outOfTime(error, context.signal);
    throw error;
  } finally {
    scope.close();
  }
}

/** What is known of the job grows as the call goes on. */
class Call {
  private dispatch: DispatchState;

  constructor(
    private readonly client: ProviderClient,
    private readonly job: ProviderJob,
    private readonly context: CallContext,
  ) {
    this.dispatch = context.dispatch.previous;
  }

  async run(): Promise<ProviderResult> {
    const { dispatch } = this;
    if (dispatch.phase === 'accepted') return await this.collect();
    const answer = dispatch.phase === 'none' ? await this.submit() : await this.find();
    if (answer.kind === 'finished') return answer.result;
    await this.accept(answer);
    return await this.collect();
  }

  private async submit(): Promise<Submitted> {
    const { client, job, context } = this;
    const { signal, media } = context;
    try {
      return await client.submit(job, {
        signal,
        media,
        onProgress: (step) => {
          context.onProgress(step);
        },
        intent: async (clue) => {
          await context.dispatch.intent(clue);
          this.dispatch = { phase: 'intent', clue };
          signal.throwIfAborted();
        },
      });
    } catch (error) {
      return await this.afterLostAnswer(error);
    }
  }

  /** The provider can be asked at once what became of a submit without an answer. */
  private async afterLostAnswer(error: unknown): Promise<Submitted> {
    if (!(error instanceof ProviderError)) throw error;
    // It was accepted, and named no way back to it.
    if (error.certainty === 'accepted' && !error.endsJob) throw error.with({ outcome: 'gone' });
    if (error.certainty !== 'unknown' || this.clue() === undefined || this.context.signal.aborted)
      throw error;
    const found = await this.look().catch(() => undefined);
    if (found?.kind === 'accepted') return found;
    if (found?.kind !== 'never') throw error;
    this.undo();
    // Of a doubt that is settled only what caused it is left.
    const failure = error.cause instanceof ProviderError ? error.cause : error;
    throw failure.with({ outcome: 'nothing_sent' });
  }

  private async find(): Promise<Extract<Found, { kind: 'accepted' }>> {
    const { provider } = this.client;
    if (this.clue() === undefined) throw outcomeUnknown(provider);
    const found = await this.look();
    if (found.kind === 'accepted') return found;
    if (found.kind === 'never') {
      this.undo();
      throw new ProviderError('an earlier submit never reached the provider', {
        ...{ provider, code: 'never_accepted', outcome: 'nothing_sent' },
      });
    }
    throw new ProviderError(`nobody can tell yet whether the job was accepted: ${found.reason}`, {
      ...{ provider, code: 'not_found_yet', outcome: 'nobody_knows' },
      retryAfterMs: found.askAgainSeconds * 1000,
    });
  }

  private async look(): Promise<Found> {
    const { client, job, context } = this;
    return await client.find(job, this.clue() ?? null, { signal: context.signal });
  }

  private clue() {
    return this.dispatch.phase === 'intent' ? this.dispatch.clue : undefined;
  }

  private undo(): void {
    this.dispatch = { phase: 'none' };
    this.context.dispatch.undone();
  }

  private async accept({
    handle,
    providerRequestId,
  }: Extract<Submitted, { kind: 'accepted' }>): Promise<void> {
    this.dispatch = { phase: 'accepted', handle, providerRequestId };
    await this.context.dispatch.accepted(handle, providerRequestId);
    this.context.signal.throwIfAborted();
  }

  private async collect(signal = this.context.signal): Promise<ProviderResult> {
    const { client, job, context, dispatch } = this;
    if (dispatch.phase !== 'accepted') throw new TypeError('only an accepted job can be collected');
    const { providerRequestId } = dispatch;
    const result = await client.collect(job, dispatch.handle, {
      signal,
      media: context.media,
      onProgress: (step) => {
        context.onProgress(step);
      },
      remember: async (handle) => {
        this.dispatch = { phase: 'accepted', handle, providerRequestId };
        await context.dispatch.accepted(handle, providerRequestId);
      },
    });
    return { ...result, providerRequestId: result.providerRequestId ?? providerRequestId };
  }

  /** Nobody waits for the job any more. */
  async stop(): Promise<Stopped> {
    const { client, job, dispatch } = this;
    if (dispatch.phase === 'none') return { kind: 'never' };
    if (dispatch.phase === 'intent' && dispatch.clue === undefined)
      return { kind: 'cannot_tell', reason: 'nobody can ask for this submit' };
    return await client.stop({ ...job, dispatch }, { signal: AbortSignal.timeout(stopSeconds * 1000) });
  }

  /**
   * The job took longer than any job may, in the queue or at work: it is stopped, so that another one can be paid.
   *
   * @throws ProviderError which of our limits it was, unless the job has made its picture.
   */
  async outOfTime(error: unknown, caller: AbortSignal): Promise<ProviderResult> {
    const failure = timeout(this.client, this.dispatch, error);
    if (this.dispatch.phase !== 'accepted') throw failure;
    const stopped = await this.stop();
    if (stopped.kind === 'never') throw failure.with({ outcome: 'ended_free' });
    if (stopped.kind === 'cannot_tell' || stopped.kind === 'unstoppable') throw failure;
    const { handle } = stopped;
    const charge = stopped.kind === 'stopped' ? stopped.charge : undefined;
    if (handle === undefined) throw failure.with({ outcome: endedAs(charge), charge });
    this.dispatch = { ...this.dispatch, handle };
    return await this.collectLate(failure, charge, caller);
  }

  /** @param charge what is billed of a job that did as it was told, where its provider says nothing more */
  private async collectLate(
    failure: ProviderError,
    charge: ProviderCharge | undefined,
    caller: AbortSignal,
  ): Promise<ProviderResult> {
    const scope = openCallScope(caller, lateCollectSeconds);
    try {
      return await this.collect(scope.signal);
    } catch (error) {
      caller.throwIfAborted();
      if (scope.signal.aborted) throw failure;
      if (!(error instanceof ProviderError) || error.code !== 'request_cancelled') throw error;
      const { charge: billed = charge, billing } = error;
      throw failure.with({ outcome: endedAs(billed), charge: billed, billing });
    } finally {
      scope.close();
    }
  }
}

/** It waited too long for its turn, and nobody has taken it out of the queue. */
function isLeftInQueue(error: unknown): boolean {
  return error instanceof ProviderError && error.code === 'queue_timeout' && !error.endsJob;
}

function timeout({ provider }: ProviderClient, dispatch: DispatchState, cause: unknown): ProviderError {
  if (cause instanceof ProviderError) return cause;
  const seconds = cause instanceof DeadlineExceeded ? cause.seconds : undefined;
  const within = seconds === undefined ? 'in time' : `within ${String(seconds)} s`;
  return new ProviderError(`no complete answer ${within}`, {
    provider,
    code: 'deadline_exceeded',
    outcome: outcomeFrom(certaintyOf(dispatch)),
    cause,
  });
}
