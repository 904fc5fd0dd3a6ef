import { condition, isCancellation, log, sleep, workflowInfo } from '@temporalio/workflow';
import { isFindable, type GenerateMediaFailure } from '../../domain/dispatch';
import type { PlannedCandidate } from '../../domain/plan';
import type { SlotProgress, SlotState, SlotWait } from '../../domain/generation';
import { certaintyAfter, failureOf } from '../../domain/failures';
import type { ProviderName } from '../../domain/taxonomy';
import { joinWatches } from '../activity-options';
import type { GenerationRun } from '../generation/generation-run';
import { isFree, perhapsPaidAttempts } from './slot-trail';

/** Each submit that only a gateway answered may have been paid: the wait before the next one is this much longer. */
const doubtfulWaitFactor = 4;
/** Times the usual longest wait (300 s by default, so an hour): six submits in doubt take more than that. */
const longestDoubtfulWait = 12;

/** After this many jobs that were or may have been paid for nothing, the slot waits this much longer. */
const manyWasted = 2;
const wastefulWaitFactor = 4;

/** Shorter pauses are part of a call. */
const shownPauseSeconds = 15;

/** A watch wakes its jobs at once; this is for the day on which it could not. */
const watchedWaitSeconds = 600;

/** An endpoint that may serve the slot. */
export interface Askable {
  candidate: Pick<PlannedCandidate, 'provider' | 'app'>;
  /** It has a job of the slot, which costs nothing to ask for. */
  isOpen: boolean;
}

/** The durable wait of one slot while no provider can serve it. */
export class SlotWaiting {
  private latestFailure: GenerateMediaFailure | undefined;
  private readonly down = new Set<ProviderName>();
  private readonly unreached = new Set<ProviderName>();
  private readonly avoided = new Set<ProviderName>();
  /** A job of this round was paid for nothing. */
  private isWasteful = false;

  constructor(
    private readonly run: GenerationRun,
    private readonly slot: SlotState,
    private readonly progress: SlotProgress,
  ) {}

  /** A wait that began in an earlier run goes on: the watches may not have heard of it there. */
  resume(): void {
    const watched = this.slot.waiting?.watched ?? [];
    if (watched.length > 0) this.join(watched);
  }

  beginRound(): void {
    this.down.clear();
    this.unreached.clear();
    this.avoided.clear();
    this.isWasteful = false;
  }

  /** Leaves the provider alone for the rest of this round. */
  avoid(provider: ProviderName): void {
    this.avoided.add(provider);
  }

  /** Something between us and the provider answered a submit: whoever answers so is left alone for ever longer. */
  noteDoubt(provider: ProviderName, remainingSeconds: number): void {
    const { progress } = this;
    const doubts = { ...progress.doubts, [provider]: (progress.doubts?.[provider] ?? 0) + 1 };
    const { initialSeconds, maximumSeconds } = this.run.plan.parking;
    const times = Object.values(doubts).reduce((sum, count) => sum + count, 0);
    const seconds = Math.min(
      initialSeconds * doubtfulWaitFactor ** (times - 1),
      longestDoubtfulWait * maximumSeconds,
      // A wait that takes the rest of the job's time would be its end.
      remainingSeconds / 2,
    );
    const until = new Date(Date.now() + Math.ceil(seconds * 1000)).toISOString();
    Object.assign(progress, { doubts, doubtsUntil: { ...progress.doubtsUntil, [provider]: until } });
  }

  isWelcomeAt(candidate: Askable['candidate']): boolean {
    return !this.avoided.has(candidate.provider) && this.closedSeconds(candidate) <= 0;
  }

  noteFailure({ provider, app }: Askable['candidate'], failure: GenerateMediaFailure): void {
    this.latestFailure = failure;
    this.isWasteful ||= wasPaid(failure);
    if (failure.code === 'provider_down') this.down.add(provider);
    else if (isUnreachable(failure, app)) this.unreached.add(provider);
    else this.unreached.delete(provider);
    // Of an open job it says when to ask again, and nothing of other calls.
    if (failure.retryAfterSeconds === undefined || failure.dispatch.phase !== 'none') return;
    // A file host beside the provider speaks for itself.
    if (failure.code === 'media_host_busy') return;
    const speaksForApp = app !== undefined && failure.code !== 'rate_limited';
    const address = speaksForApp ? addressOf({ provider, app }) : provider;
    const until = Date.now() + failure.retryAfterSeconds * 1000;
    this.run.notBefore.set(address, Math.max(until, this.run.notBefore.get(address) ?? 0));
  }

  /**
   * Before another call at the same endpoint. A longer pause, and one for a provider that is out of reach, shows as a wait,
   * which a person or the provider's watch may end.
   */
  async pause(seconds: number): Promise<void> {
    const { run, slot } = this;
    const watched = this.watched();
    if (seconds <= shownPauseSeconds && watched.length === 0) {
      await sleep(seconds * 1000);
      return;
    }
    slot.status = 'waiting';
    slot.waiting = this.waitFor(seconds, watched);
    run.woken.delete(slot.slot);
    run.changed();
    if (watched.length > 0) this.join(watched);
    await condition(() => run.woken.has(slot.slot), seconds * 1000);
    run.woken.delete(slot.slot);
  }

  /** An outage may be too small for a breaker, and is over for this job as soon as its watch gets an answer. */
  private watched(): ProviderName[] {
    return [...new Set([...this.down, ...this.unreached])];
  }

  /**
   * From now on the slot waits: for a while, or until a watch or a person wakes it.
   *
   * @param askable who may serve it; none: it can only be waited for the deadline
   */
  begin(askable: readonly Askable[], remainingSeconds: number): void {
    const watched = this.watched();
    const seconds = Math.min(this.longestWaitSeconds(askable), remainingSeconds);
    const isNew = this.slot.waiting === undefined;
    this.slot.status = 'waiting';
    this.slot.waiting = this.waitFor(seconds, watched);
    // Of a wake-up that came while a provider was called nothing follows any more: the call is its answer.
    this.run.woken.delete(this.slot.slot);
    this.run.isResting ||= workflowInfo().continueAsNewSuggested;
    this.run.changed();
    if (isNew) this.run.save();
    if (watched.length > 0) this.join(watched);
  }

  private waitFor(seconds: number, watched: ProviderName[]): SlotWait {
    return {
      reason: this.latestFailure?.message ?? 'No provider answered.',
      since: this.slot.waiting?.since ?? new Date().toISOString(),
      nextTryAt: new Date(Date.now() + Math.ceil(seconds * 1000)).toISOString(),
      round: this.progress.rounds,
      watched,
    };
  }

  /** Beside the wait, which has a time of its own: nobody is held up while the watches cannot be reached. */
  private join(providers: ProviderName[]): void {
    for (const provider of providers) this.run.parkedAt.add(provider);
    joinWatches({ providers }).catch((error: unknown) => {
      if (!isCancellation(error)) log.warn('no watch knows of this job; it tries again by itself', { error });
    });
  }

  /** Returns when the slot is to try again, or when the run rests. */
  async untilDue(): Promise<void> {
    const { slot, waiting, decision } = this.slot;
    if (waiting === undefined || decision !== undefined) return;
    const remainingMs = Date.parse(waiting.nextTryAt) - Date.now();
    if (remainingMs > 0) {
      await condition(() => this.run.woken.has(slot) || this.run.isResting, remainingMs);
    }
    if (!this.run.isResting) this.run.woken.delete(slot);
  }

  /** Until the first of these providers may be worth another call. */
  private longestWaitSeconds(askable: readonly Askable[]): number {
    const waits = askable.map(({ candidate, isOpen }) => {
      if (this.down.has(candidate.provider)) return watchedWaitSeconds;
      return isOpen ? this.busySeconds(candidate) : this.closedSeconds(candidate);
    });
    return Math.max(this.backoffSeconds(), Math.min(...waits));
  }

  /** How much longer the provider does not want to hear from us, or we do not want to pay it. */
  private closedSeconds(candidate: Askable['candidate']): number {
    const until = this.progress.doubtsUntil?.[candidate.provider];
    const doubtSeconds = until === undefined ? 0 : (Date.parse(until) - Date.now()) / 1000;
    return Math.max(this.busySeconds(candidate), doubtSeconds);
  }

  private busySeconds(candidate: Askable['candidate']): number {
    const { notBefore } = this.run;
    const until = Math.max(notBefore.get(candidate.provider) ?? 0, notBefore.get(addressOf(candidate)) ?? 0);
    return (until - Date.now()) / 1000;
  }

  private backoffSeconds(): number {
    const { initialSeconds, backoffCoefficient, maximumSeconds } = this.run.plan.parking;
    const usual = Math.min(initialSeconds * backoffCoefficient ** (this.progress.rounds - 1), maximumSeconds);
    const isExpensive = this.isWasteful && perhapsPaidAttempts(this.slot) >= manyWasted;
    return isExpensive ? wastefulWaitFactor * usual : usual;
  }
}

/** Whom a `Retry-After` speaks for: one app of a provider, where it has several. */
function addressOf({ provider, app }: Askable['candidate']): string {
  return app === undefined ? provider : `${provider}/${app}`;
}

/** For nothing. A submit in doubt has a wait of its own. */
function wasPaid({ outcome, dispatch, trail }: GenerateMediaFailure): boolean {
  const latest = trail.at(-1);
  return (
    certaintyAfter(outcome) === 'accepted' &&
    dispatch.phase === 'none' &&
    latest !== undefined &&
    !isFree(latest)
  );
}

/**
 * There was no way to the provider at all, so that it costs nothing to ask again the moment there is one. One app of several
 * that is not well is no matter for the watch, which asks another app.
 */
function isUnreachable({ code, outcome, dispatch }: GenerateMediaFailure, app: string | undefined): boolean {
  if (outcome !== 'nothing_sent' && !isFindable(dispatch)) return false;
  return failureOf(code).outage === 'way' || (code === 'provider_unwell' && app === undefined);
}
