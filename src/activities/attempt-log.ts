import { ActivityCancelledError } from '@temporalio/client';
import type { Context } from '@temporalio/activity';
import {
  certaintyOf,
  goesByKey,
  isFindable,
  providerRequestIdOf,
  type CallProgress,
  type DispatchNote,
  type DispatchState,
  type GenerateMediaInput,
  type Keyed,
} from '../domain/dispatch';
import type { AttemptRecord } from '../domain/attempt-record';
import { canonicalJson } from '../domain/canonical-json';
import type { DispatchCertainty, JsonValue } from '../domain/taxonomy';
import type { ProviderError } from '../providers/errors';
import type { DispatchLog } from '../providers/types';

/** A cancellation reaches a call with its next heartbeat. */
export const cancellationLatencySeconds = 4;

/**
 * The durable memory of one `generateMedia` activity, kept in its heartbeat details: whether a paid submit left, the
 * handle to get back to it, and the trail of finished attempts.
 *
 * The notes around a submit go through the client's heartbeat, which resolves once the server stored them. The worker's
 * own heartbeat is throttled and may hold a note back for most of the heartbeat timeout; it only keeps the call alive.
 */
export class AttemptLog implements DispatchLog {
  private note: DispatchNote;
  private hasBeaten = false;
  /** Nothing leaves before the server has the intent. */
  private isStoringIntent = false;

  /** What earlier calls of this job left behind, and earlier attempts of this activity. */
  readonly previous: DispatchState;

  /**
   * @param worker task queue of this process alone, on which the call can be taken over
   * @param goesByKey see `ProviderClient`
   */
  constructor(
    private readonly context: Context,
    private readonly input: Pick<GenerateMediaInput, 'candidate' | 'jobKey' | 'previous'>,
    worker: string | undefined,
    private readonly goesByKey: (way: JsonValue) => boolean,
  ) {
    const { previous } = input;
    const earlier = context.info.heartbeatDetails as DispatchNote | undefined;
    const noted = earlier?.dispatch ?? previous;
    this.previous = noted.phase === 'none' ? previous : noted;
    this.note = {
      attempt: context.info.attempt,
      startedAt: new Date().toISOString(),
      dispatch: this.previous,
      worker,
      hasSubmitted: false,
      trail: earlier?.trail ?? [],
    };
  }

  get trail(): AttemptRecord[] {
    return this.note.trail;
  }

  get dispatch(): DispatchState {
    return this.note.dispatch;
  }

  get worker(): string | undefined {
    return this.note.worker;
  }

  /** @throws when the note could not be stored; nothing may be sent then. */
  async intent(clue?: JsonValue): Promise<void> {
    const before = this.note;
    const found = clue !== undefined && { clue, ...this.keyed(clue) };
    const dispatch = { phase: 'intent', ...found } as const;
    this.isStoringIntent = before.dispatch.phase === 'none';
    try {
      await this.store({ ...before, dispatch, hasSubmitted: true });
    } catch (error) {
      this.note = before;
      throw error;
    } finally {
      this.isStoringIntent = false;
    }
  }

  /** Nothing reached the provider. The next heartbeat says so. */
  undone(): void {
    this.note = { ...this.note, dispatch: { phase: 'none' } };
  }

  /**
   * Never throws: the job runs and is paid, and every later heartbeat carries the handle. A cancellation comes by the signal.
   * A handle that the stored clue already tells needs no store of its own.
   */
  async accepted(handle: JsonValue, providerRequestId?: string): Promise<void> {
    const { dispatch: before } = this.note;
    const dispatch = { phase: 'accepted', handle, providerRequestId, ...this.keyed(handle) } as const;
    if (before.phase === 'intent' && canonicalJson(before.clue) === canonicalJson(handle)) {
      this.note = { ...this.note, dispatch };
      return;
    }
    await this.store({ ...this.note, dispatch }).catch((error: unknown) => {
      this.context.log.warn('the handle of a job could not be stored yet', { error });
      this.beat();
    });
  }

  /** Takes over a call that an earlier activity of this job began on this worker, and which never stopped. */
  takeOver(earlier: AttemptLog): void {
    this.note = { ...this.note, dispatch: earlier.note.dispatch };
    this.beat();
  }

  /** Keeps the activity alive until the returned function is called. */
  keepAlive(): () => void {
    const timer = setInterval(
      () => {
        this.beat();
      },
      Math.min(this.input.candidate.policy.heartbeatSeconds / 3, cancellationLatencySeconds) * 1000,
    );
    return () => {
      clearInterval(timer);
    };
  }

  showProgress(progress: CallProgress): void {
    this.note = { ...this.note, progress };
    // Before the intent is stored, a throttled heartbeat would only get in its way.
    if (this.note.dispatch.phase !== 'none') this.beat();
  }

  /** Adds this attempt to the trail. */
  close(
    end: Omit<AttemptRecord, 'number' | 'provider' | 'endpoint' | 'startedAt' | 'seconds'>,
  ): AttemptRecord[] {
    const record: AttemptRecord = {
      number: this.note.attempt,
      provider: this.input.candidate.provider,
      endpoint: this.input.candidate.endpoint,
      jobKey: this.input.jobKey,
      startedAt: this.note.startedAt,
      seconds: (Date.now() - Date.parse(this.note.startedAt)) / 1000,
      ...(goesByKey(this.note.dispatch) && { byKey: true }),
      ...end,
      providerRequestId: end.providerRequestId ?? providerRequestIdOf(this.note.dispatch),
    };
    this.note = { ...this.note, trail: [...this.note.trail, record], progress: undefined };
    return this.note.trail;
  }

  /** Leaves the trail to the next attempt. */
  async handOver(): Promise<void> {
    await this.store({ ...this.note, dispatch: this.previous }).catch((error: unknown) => {
      this.context.log.warn('the trail of this attempt could not be handed over', { error });
    });
  }

  /** What the next call of this job must know: the way back to it while it may still give its result. */
  dispatchAfter(failure: ProviderError): DispatchState {
    const { dispatch, hasSubmitted } = this.note;
    if (dispatch.phase === 'accepted') return failure.endsJob ? { phase: 'none' } : dispatch;
    if (dispatch.phase === 'none') return dispatch;
    if (hasSubmitted !== true) {
      // The clue leads nowhere any more: nobody will ever know.
      if (failure.code === 'outcome_unknown') return { phase: 'intent' };
      // A look-up says nothing unless it got through.
      return failure.endsJob ? { phase: 'none' } : dispatch;
    }
    if (failure.certainty !== 'unknown') return { phase: 'none' };
    // A fault of ours says nothing of the submit: it counts like one of a worker that is gone.
    return isFindable(dispatch) || failure.code === 'internal_error' ? dispatch : { phase: 'none' };
  }

  /** What a failure of unknown kind means for the money, from what was noted so far. */
  certainty(): DispatchCertainty {
    return this.isStoringIntent ? 'not_sent' : certaintyOf(this.note.dispatch);
  }

  private keyed(way: JsonValue): Keyed {
    return this.goesByKey(way) ? { byKey: true } : {};
  }

  private async store(note: DispatchNote): Promise<void> {
    this.note = note;
    // Replaces an older note the worker may still hold back, which would otherwise overwrite this one later.
    if (this.hasBeaten) this.beat();
    try {
      await this.context.client.activity.heartbeat(this.context.info.taskToken, note);
    } catch (error) {
      if (!(error instanceof ActivityCancelledError)) throw error;
      // The worker learns of the cancellation from its own heartbeat; until then it would report a plain failure.
      this.beat();
      await this.context.cancelled;
    }
  }

  private beat(): void {
    this.hasBeaten = true;
    this.context.heartbeat(this.note);
  }
}
