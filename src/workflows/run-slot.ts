import { isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import type { GenerateMediaFailure, GenerateMediaResult } from '../domain/dispatch';
import type { AttemptRecord, SlotError, SlotProgress, SlotState } from '../domain/generation';
import type { PlannedCandidate, SlotPlan } from '../domain/plan';
import { roundUsd } from '../domain/round-usd';
import { finalFailureClasses, type SlotFailureCode } from '../domain/taxonomy';
import { mediaActivity } from './activity-options';
import { recipeOf, type GenerationRun } from './generation-run';
import { outcomeOf } from './media-call';

/** Providers that answer with errors may be billing them: they are asked this much less often. */
const doubtfulWaitFactor = 4;

/** Corrupt answers that a proxy in front of a provider that is down gives, too: a page, JSON, nothing at all. */
const mayBeSomebodyElse: readonly string[] = ['media_not_media', 'media_empty', 'reply_invalid'];

/** Attempts listed one by one; in a longer outage those that sent nothing are only counted. */
const listedAttempts = 20;

/**
 * Brings one slot to its end: the candidates in order, and while every provider is out, a durable wait and the whole
 * chain again until the job's deadline. Never throws for a provider's failure, so a slot cannot fail its set. Returns
 * with an unfinished slot only while the run rests.
 */
export async function runSlot(
  run: GenerationRun,
  plan: SlotPlan,
  slot: SlotState,
  progress: SlotProgress,
): Promise<void> {
  const walk = new SlotWalk(run, plan, slot, progress);
  try {
    while (!walk.isOver()) {
      await walk.waitUntilDue();
      if (run.isResting) return;
      await walk.tryEachCandidate();
      walk.waitOrGiveUp();
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    walk.cancel();
  }
}

class SlotWalk {
  private latestFailure: GenerateMediaFailure | undefined;
  /** Epoch ms before which no provider wants to hear from us. */
  private askedToWaitUntil = 0;

  constructor(
    private readonly run: GenerationRun,
    private readonly plan: SlotPlan,
    private readonly slot: SlotState,
    private readonly progress: SlotProgress,
  ) {}

  isOver(): boolean {
    return this.slot.finishedAt !== undefined;
  }

  /** Sleeps while the slot is waiting for its next round. */
  async waitUntilDue(): Promise<void> {
    if (this.slot.waiting === undefined) return;
    const remainingMs = Date.parse(this.slot.waiting.nextTryAt) - Date.now();
    if (remainingMs > 0) await sleep(remainingMs);
  }

  async tryEachCandidate(): Promise<void> {
    this.progress.rounds += 1;
    this.askedToWaitUntil = 0;
    for (const candidate of this.plan.candidates) {
      if (this.isOver() || this.remainingSeconds() <= 0) return;
      await this.tryCandidate(candidate);
    }
  }

  /** The state in which an outage is waited for; the deadline ends it. */
  waitOrGiveUp(): void {
    if (this.isOver()) return;
    const remainingSeconds = this.remainingSeconds();
    if (remainingSeconds <= 0) {
      this.fail(this.describe('deadline_exceeded', 'No provider could serve this before the deadline.'));
      return;
    }
    const seconds = Math.min(this.backoffSeconds(), remainingSeconds);
    const isNew = this.slot.waiting === undefined;
    this.slot.status = 'waiting';
    this.slot.waiting = {
      reason: this.latestFailure?.message ?? 'No provider answered.',
      since: this.slot.waiting?.since ?? new Date().toISOString(),
      nextTryAt: new Date(Date.now() + Math.ceil(seconds * 1000)).toISOString(),
      round: this.progress.rounds,
    };
    this.run.isResting ||= workflowInfo().continueAsNewSuggested;
    this.run.changed();
    if (isNew) this.run.save();
  }

  cancel(): void {
    cancelSlot(this.slot);
    this.run.changed();
  }

  private fail(error: SlotError): void {
    this.slot.status = 'failed';
    this.slot.error = error;
    this.close();
  }

  private async tryCandidate(candidate: PlannedCandidate): Promise<void> {
    const startedAt = new Date().toISOString();
    this.begin(candidate, startedAt);
    const outcome = await outcomeOf(this.call(candidate), candidate, startedAt);
    this.addAttempts(outcome.trail);
    if (outcome.kind === 'succeeded') {
      this.complete(candidate, outcome.result);
    } else if (outcome.kind === 'cancelled') {
      this.cancel();
    } else {
      this.judge(outcome.failure, candidate);
    }
  }

  private call(planned: PlannedCandidate): Promise<GenerateMediaResult> {
    const { generationId } = this.run.state;
    const { slot } = this.slot;
    const { calls: call, rounds, handles } = this.progress;
    const { modelId } = planned;
    const candidate = rounds > 1 ? withOneTry(planned) : planned;
    const generateMedia = mediaActivity({ candidate, slot, call, remainingSeconds: this.remainingSeconds() });
    const jobKey = `${generationId}/slot-${slot}/${modelId}`;
    return generateMedia({ generationId, slot, jobKey, candidate, handle: handles[modelId] ?? undefined });
  }

  private begin(candidate: PlannedCandidate, startedAt: string): void {
    this.progress.calls += 1;
    this.slot.status = 'running';
    this.slot.provider = candidate.provider;
    this.slot.endpoint = candidate.endpoint;
    this.slot.identity = candidate.identity;
    this.slot.startedAt ??= startedAt;
    this.run.changed();
  }

  private complete(candidate: PlannedCandidate, result: GenerateMediaResult): void {
    this.slot.status = 'completed';
    this.slot.asset = result.asset;
    this.run.unsaved.push({ asset: result.asset, recipe: recipeOf(this.run, this.slot, candidate, result) });
    this.close();
  }

  /** The error class decides: final, too expensive to go on, or the next candidate. */
  private judge(failure: GenerateMediaFailure, candidate: PlannedCandidate): void {
    this.latestFailure = failure;
    this.progress.handles[candidate.modelId] = failure.handle ?? null;
    if (finalFailureClasses.includes(failure.failureClass)) {
      this.fail({
        code: failure.failureClass,
        message: failure.message,
        provider: candidate.provider,
      });
      return;
    }
    if (this.wastedAttempts() >= this.run.plan.maxPaidAttempts) {
      this.fail(this.describe('paid_attempt_limit', 'Too many paid attempts gave no usable picture.'));
      return;
    }
    this.askedToWaitUntil = Math.max(
      this.askedToWaitUntil,
      Date.now() + (failure.retryAfterSeconds ?? 0) * 1000,
    );
  }

  private describe(code: SlotFailureCode, message: string): SlotError {
    const first = this.slot.attempts.find(({ outcome }) => outcome === 'failed');
    if (first === undefined) return { code, message };
    return {
      code,
      provider: first.provider,
      message: `${message} First failure: ${first.message ?? 'unknown'}`,
    };
  }

  private addAttempts(trail: readonly AttemptRecord[]): void {
    const { attempts } = this.slot;
    for (const record of trail) {
      const alike =
        attempts.length < listedAttempts ? undefined : attempts.find((known) => isRepeat(known, record));
      if (alike === undefined) {
        attempts.push({ ...record, number: attempts.length + 1 });
      } else {
        alike.repeats = (alike.repeats ?? 0) + 1;
        alike.lastRepeatAt = record.startedAt;
      }
    }
    this.slot.costUsd = roundUsd(attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0));
    this.slot.costEstimated = attempts.some(({ costEstimated }) => costEstimated === true);
  }

  /** Attempts that made something nobody can use: surely paid. */
  private wastedAttempts(): number {
    return this.slot.attempts.filter(
      ({ errorClass, errorCode = '', certainty }) =>
        errorClass === 'corrupt' && certainty === 'accepted' && !mayBeSomebodyElse.includes(errorCode),
    ).length;
  }

  /** Attempts that ended without a picture and may have been billed. */
  private doubtfulAttempts(): number {
    return this.slot.attempts.filter(
      ({ outcome, certainty }) => outcome === 'failed' && certainty !== 'not_sent',
    ).length;
  }

  private backoffSeconds(): number {
    const { initialSeconds, backoffCoefficient, maximumSeconds } = this.run.plan.parking;
    const isDear = this.doubtfulAttempts() >= this.run.plan.maxPaidAttempts;
    const longest = isDear ? maximumSeconds * doubtfulWaitFactor : maximumSeconds;
    const backoff = Math.min(initialSeconds * backoffCoefficient ** (this.progress.rounds - 1), longest);
    return Math.max(backoff, (this.askedToWaitUntil - Date.now()) / 1000);
  }

  private remainingSeconds(): number {
    return (Date.parse(this.run.state.deadlineAt ?? this.run.state.startedAt) - Date.now()) / 1000;
  }

  private close(): void {
    closeSlot(this.slot);
    this.run.changed();
  }
}

/** Ends a slot that the caller no longer wants. */
export function cancelSlot(slot: SlotState): void {
  slot.status = 'cancelled';
  slot.error = { code: 'cancelled', message: 'Cancelled by the caller.' };
  closeSlot(slot);
}

function closeSlot(slot: SlotState): void {
  delete slot.waiting;
  slot.finishedAt = new Date().toISOString();
}

/** Later rounds find out whether a provider is back; they need not press it. */
function withOneTry(candidate: PlannedCandidate): PlannedCandidate {
  const { policy } = candidate;
  return { ...candidate, policy: { ...policy, retry: { ...policy.retry, maximumAttempts: 1 } } };
}

function isRepeat(known: AttemptRecord, record: AttemptRecord): boolean {
  const sentNothing = known.certainty === 'not_sent' && record.certainty === 'not_sent';
  const isSame =
    known.provider === record.provider &&
    known.endpoint === record.endpoint &&
    known.errorCode === record.errorCode;
  return sentNothing && isSame && record.outcome === 'failed';
}
