import { ActivityCancelledError } from '@temporalio/client';
import type { Context } from '@temporalio/activity';
import {
  certaintyOf,
  handleOf,
  type CallProgress,
  type DispatchNote,
  type DispatchState,
} from '../domain/dispatch';
import type { AttemptRecord } from '../domain/generation';
import type { PlannedCandidate } from '../domain/plan';
import type { DispatchCertainty, JsonValue } from '../domain/taxonomy';
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
  readonly previous: DispatchState;
  private note: DispatchNote;
  private hasBeaten = false;

  constructor(
    private readonly context: Context,
    private readonly candidate: PlannedCandidate,
    handle?: JsonValue,
  ) {
    const { attempt } = context.info;
    const earlier = context.info.heartbeatDetails as DispatchNote | undefined;
    const left: DispatchState = handle === undefined ? { phase: 'none' } : { phase: 'accepted', handle };
    this.previous = earlier?.dispatch ?? left;
    this.note = {
      attempt,
      startedAt: new Date().toISOString(),
      dispatch: this.previous,
      trail: completeTrail(earlier, attempt, candidate),
      resumes: earlier?.resumes ?? 0,
    };
  }

  get trail(): AttemptRecord[] {
    return this.note.trail;
  }

  get resumes(): number {
    return this.note.resumes;
  }

  /** The handle of the job, once it has one. */
  get handle(): JsonValue | undefined {
    return handleOf(this.note.dispatch);
  }

  /** @throws when the note could not be stored; nothing may be sent then. */
  async intent(): Promise<void> {
    const before = this.note;
    await this.store({ ...this.note, dispatch: { phase: 'intent' } }).catch((error: unknown) => {
      this.note = before;
      throw error;
    });
  }

  /** Never throws: the job runs and is paid, and every later heartbeat carries the handle. A cancellation comes by the signal. */
  async accepted(handle: JsonValue): Promise<void> {
    await this.store({ ...this.note, dispatch: { phase: 'accepted', handle } }).catch((error: unknown) => {
      this.context.log.warn('the handle of a job could not be stored yet', { error });
      this.beat();
    });
  }

  /** Takes over a call that an earlier attempt on this worker began, and which never stopped. */
  takeOver(earlier: AttemptLog): void {
    const [lost, ...others] = [...this.note.trail].reverse();
    const trail =
      lost?.errorCode === 'worker_lost' ? [...others.reverse(), outOfTouch(lost)] : this.note.trail;
    this.note = { ...this.note, dispatch: earlier.note.dispatch, trail };
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
    };
    this.note = { ...this.note, trail: [...this.note.trail, record], progress: undefined };
    return this.note.trail;
  }

  /** Leaves the trail, and the handle if it can still give the result, to the next attempt. */
  async handOver(options: { resumable: boolean }): Promise<void> {
    const dispatch: DispatchState = options.resumable ? this.note.dispatch : { phase: 'none' };
    const resumes = this.note.resumes + (options.resumable ? 1 : 0);
    await this.store({ ...this.note, dispatch, resumes }).catch((error: unknown) => {
      this.context.log.warn('the trail of this attempt could not be handed over', { error });
    });
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

/** Attempts that ended without a word (their worker died) get their place in the trail. */
function completeTrail(
  earlier: DispatchNote | undefined,
  attempt: number,
  { provider, endpoint, priceUsd }: PlannedCandidate,
): AttemptRecord[] {
  const trail = [...(earlier?.trail ?? [])];
  for (let number = 1; number < attempt; number += 1) {
    if (trail.some((record) => record.number === number)) continue;
    trail.push({
      number,
      provider,
      endpoint,
      outcome: 'failed',
      startedAt: earlier?.startedAt ?? new Date().toISOString(),
      seconds: earlier === undefined ? 0 : (Date.now() - Date.parse(earlier.startedAt)) / 1000,
      errorClass: 'transient',
      errorCode: 'worker_lost',
      message: 'The worker running this attempt stopped without an answer.',
      certainty: earlier === undefined ? 'not_sent' : certaintyOf(earlier.dispatch),
      // With a handle the next attempt collects the job; without one it may be lost and paid.
      ...(earlier?.dispatch.phase === 'intent' && { possibleCostUsd: priceUsd }),
    });
  }
  return trail;
}

/** The worker lived on; the paid job belongs to the attempt that took its call over. */
function outOfTouch(lost: AttemptRecord): AttemptRecord {
  const message = 'The worker was out of touch with Temporal; its call went on.';
  return { ...lost, errorCode: 'out_of_touch', message, certainty: 'not_sent', possibleCostUsd: undefined };
}
