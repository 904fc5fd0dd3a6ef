import { condition, isCancellation, log, workflowInfo } from '@temporalio/workflow';
import type { GenerateMediaFailure } from '../domain/dispatch';
import type { PlannedCandidate } from '../domain/plan';
import type { SlotProgress, SlotState } from '../domain/generation';
import { providerUnwellCode, unreachableCodes, type ProviderName } from '../domain/taxonomy';
import { joinWatches } from './activity-options';
import type { GenerationRun } from './generation-run';
import { isFree, perhapsPaidAttempts } from './slot-trail';

/** Each submit that only a gateway answered may have been paid: the wait before the next one is this much longer. */
const doubtfulWaitFactor = 4;
/** Times the usual longest wait (300 s by default, so an hour): six submits in doubt take more than that. */
const longestDoubtfulWait = 12;

/** After this many jobs that were or may have been paid for nothing, the slot waits this much longer. */
const manyWasted = 2;
const wastefulWaitFactor = 4;

/** A watch wakes its jobs at once; this is for the day on which it could not. */
const watchedWaitSeconds = 600;

/** A provider that may serve the slot. */
export interface Askable {
  provider: ProviderName;
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

  isWelcomeAt(provider: ProviderName): boolean {
    return !this.avoided.has(provider) && this.closedSeconds(provider) <= 0;
  }

  noteFailure({ provider, app }: PlannedCandidate, failure: GenerateMediaFailure): void {
    this.latestFailure = failure;
    this.isWasteful ||= wasPaid(failure);
    if (failure.code === 'provider_down') this.down.add(provider);
    else if (isUnreachable(failure, app)) this.unreached.add(provider);
    if (failure.retryAfterSeconds === undefined) return;
    const until = Date.now() + failure.retryAfterSeconds * 1000;
    this.run.notBefore.set(provider, Math.max(until, this.run.notBefore.get(provider) ?? 0));
  }

  /**
   * From now on the slot waits: for a while, or until a watch or a person wakes it.
   *
   * @param askable who may serve it; none: it can only be waited for the deadline
   */
  begin(askable: readonly Askable[], remainingSeconds: number): void {
    // An outage may be too small for a breaker, and is over for this job as soon as its watch gets an answer.
    const watched = [...new Set([...this.down, ...this.unreached])];
    const seconds = Math.min(this.longestWaitSeconds(askable), remainingSeconds);
    const isNew = this.slot.waiting === undefined;
    this.slot.status = 'waiting';
    this.slot.waiting = {
      reason: this.latestFailure?.message ?? 'No provider answered.',
      since: this.slot.waiting?.since ?? new Date().toISOString(),
      nextTryAt: new Date(Date.now() + Math.ceil(seconds * 1000)).toISOString(),
      round: this.progress.rounds,
      watched,
    };
    this.run.isResting ||= workflowInfo().continueAsNewSuggested;
    this.run.changed();
    if (isNew) this.run.save();
    if (watched.length > 0) this.join(watched);
  }

  /** Beside the wait, which has a time of its own: nobody is held up while the watches cannot be reached. */
  private join(providers: ProviderName[]): void {
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
    const waits = askable.map(({ provider, isOpen }) => {
      if (this.down.has(provider)) return watchedWaitSeconds;
      return isOpen ? this.busySeconds(provider) : this.closedSeconds(provider);
    });
    return Math.max(this.backoffSeconds(), Math.min(...waits));
  }

  /** How much longer the provider does not want to hear from us, or we do not want to pay it. */
  private closedSeconds(provider: ProviderName): number {
    const until = this.progress.doubtsUntil?.[provider];
    const doubtSeconds = until === undefined ? 0 : (Date.parse(until) - Date.now()) / 1000;
    return Math.max(this.busySeconds(provider), doubtSeconds);
  }

  private busySeconds(provider: ProviderName): number {
    return ((this.run.notBefore.get(provider) ?? 0) - Date.now()) / 1000;
  }

  private backoffSeconds(): number {
    const { initialSeconds, backoffCoefficient, maximumSeconds } = this.run.plan.parking;
    const usual = Math.min(initialSeconds * backoffCoefficient ** (this.progress.rounds - 1), maximumSeconds);
    const isExpensive = this.isWasteful && perhapsPaidAttempts(this.slot) >= manyWasted;
    return isExpensive ? wastefulWaitFactor * usual : usual;
  }
}

/** For nothing. A submit in doubt has a wait of its own. */
function wasPaid({ certainty, dispatch, trail }: GenerateMediaFailure): boolean {
  const latest = trail.at(-1);
  return certainty === 'accepted' && dispatch.phase === 'none' && latest !== undefined && !isFree(latest);
}

/**
 * There was no way to the provider at all, so that it costs nothing to ask again the moment there is one. One app of several
 * that is not well is no matter for the watch, which asks another app.
 */
function isUnreachable({ code, certainty }: GenerateMediaFailure, app: string | undefined): boolean {
  if (certainty !== 'not_sent') return false;
  return unreachableCodes.includes(code) || (code === providerUnwellCode && app === undefined);
}
