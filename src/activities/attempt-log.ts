import { ActivityCancelledError } from '@temporalio/client';
import type { Context } from '@temporalio/activity';
import {
  certaintyOf,
  providerRequestIdOf,
  type CallProgress,
  type DispatchNote,
  type DispatchState,
} from '../domain/dispatch';
import type { AttemptRecord } from '../domain/attempt-record';
import type { PlannedCandidate } from '../domain/plan';
import type { DispatchCertainty, JsonValue } from '../domain/taxonomy';
import type { ProviderError } from '../providers/errors';
import type { DispatchLog } from '../providers/types';

/** A cancellation reaches a call with its next heartbeat. */
export const cancellationLatencySeconds = 5;

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

  /** @param previous what earlier calls of this job left behind. */
  constructor(
    private readonly context: Context,
    private readonly candidate: PlannedCandidate,
    readonly previous: DispatchState,
  ) {
    // An earlier attempt of this activity surely sent nothing, or Temporal would not have repeated it.
    const earlier = context.info.heartbeatDetails as DispatchNote | undefined;
    this.note = {
      attempt: context.info.attempt,
      startedAt: new Date().toISOString(),
      dispatch: previous,
      hasSubmitted: false,
      trail: earlier?.trail ?? [],
    };
  }

  get trail(): AttemptRecord[] {
    return this.note.trail;
  }

  /** @throws when the note could not be stored; nothing may be sent then. */
  async intent(): Promise<void> {
    const before = this.note;
    await this.store({ ...this.note, dispatch: { phase: 'intent' }, hasSubmitted: true }).catch(
      (error: unknown) => {
        this.note = before;
        throw error;
      },
    );
  }

  /** Never throws: the job runs and is paid, and every later heartbeat carries the handle. A cancellation comes by the signal. */
  async accepted(handle: JsonValue, providerRequestId?: string): Promise<void> {
    const dispatch = { phase: 'accepted', handle, providerRequestId } as const;
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
      Math.min(this.candidate.policy.heartbeatSeconds / 3, cancellationLatencySeconds) * 1000,
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
      provider: this.candidate.provider,
      endpoint: this.candidate.endpoint,
      startedAt: this.note.startedAt,
      seconds: (Date.now() - Date.parse(this.note.startedAt)) / 1000,
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

  /** What the next call of this job must know: the handle while the job may still give its result, or that nobody knows. */
  dispatchAfter(failure: ProviderError): DispatchState {
    const { dispatch } = this.note;
    if (dispatch.phase === 'none') return dispatch;
    if (dispatch.phase === 'accepted') return saysNothingOfTheJob(failure) ? dispatch : { phase: 'none' };
    // A look-up that did not get through leaves us where we were; a submit that did not leave is undone.
    if (failure.certainty === 'not_sent')
      return this.note.hasSubmitted === true ? { phase: 'none' } : this.previous;
    return isSilence(failure) ? dispatch : { phase: 'none' };
  }

  /** What a failure of unknown kind means for the money, from what was noted so far. */
  certainty(): DispatchCertainty {
    return certaintyOf(this.note.dispatch);
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

/** The provider was not asked at all. */
const unasked: readonly string[] = ['provider_down', 'provider_disabled'];

function saysNothingOfTheJob({ resumable, code, failureClass }: ProviderError): boolean {
  return resumable || unasked.includes(code) || failureClass === 'auth';
}

/** A gateway answers so when whoever it passed the request on to did not. */
const answersOfALostRequest: readonly (number | undefined)[] = [undefined, 504];

/** The submit left, and nobody who could know said what became of it. */
function isSilence({ certainty, status }: ProviderError): boolean {
  return certainty === 'unknown' && answersOfALostRequest.includes(status);
}
