import { isCancellation, sleep } from '@temporalio/workflow';
import type { GenerateMediaFailure, GenerateMediaResult } from '../domain/dispatch';
import type { AttemptRecord, SlotError, SlotState } from '../domain/generation';
import type { PlannedCandidate, SlotPlan } from '../domain/plan';
import { finalFailureClasses, type SlotFailureCode } from '../domain/taxonomy';
import { mediaActivity } from './activity-options';
import { recipeOf, roundUsd, type GenerationRun } from './generation-run';
import { outcomeOf } from './media-call';

/**
 * Brings one slot to its end: the candidates in order, and while every provider is out, a durable wait and the whole
 * chain again until the job's deadline. Never throws for a provider's failure, so a slot cannot fail its set.
 */
export async function runSlot(run: GenerationRun, plan: SlotPlan, slot: SlotState): Promise<void> {
  const walk = new SlotWalk(run, plan, slot);
  try {
    for (let round = 1; !walk.isOver(); round += 1) {
      await walk.tryEachCandidate();
      if (!walk.isOver()) await walk.waitForProviders(round);
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    walk.end('cancelled', { code: 'cancelled', message: 'Cancelled by the caller.' });
  }
}

class SlotWalk {
  private calls = 0;
  private firstFailure: GenerateMediaFailure | undefined;
  /** Epoch ms before which no provider wants to hear from us. */
  private askedToWaitUntil = 0;

  constructor(
    private readonly run: GenerationRun,
    private readonly plan: SlotPlan,
    private readonly slot: SlotState,
  ) {}

  isOver(): boolean {
    return this.slot.finishedAt !== undefined;
  }

  async tryEachCandidate(): Promise<void> {
    this.askedToWaitUntil = 0;
    for (const candidate of this.plan.candidates) {
      if (this.isOver() || this.remainingSeconds() <= 0) return;
      await this.tryCandidate(candidate);
    }
  }

  /** The state in which an outage is waited for; the deadline ends it. */
  async waitForProviders(round: number): Promise<void> {
    const remainingSeconds = this.remainingSeconds();
    if (remainingSeconds <= 0) {
      this.end(
        'failed',
        this.describe('deadline_exceeded', 'No provider could serve this before the deadline.'),
      );
      return;
    }
    const seconds = Math.min(this.backoffSeconds(round), remainingSeconds);
    this.slot.status = 'waiting';
    this.slot.waiting = {
      reason: this.firstFailure?.message ?? 'No provider answered.',
      since: this.slot.waiting?.since ?? new Date().toISOString(),
      nextTryAt: new Date(Date.now() + seconds * 1000).toISOString(),
      round,
    };
    this.run.changed();
    this.run.save();
    await sleep(Math.ceil(seconds * 1000));
  }

  end(status: 'failed' | 'cancelled', error: SlotError): void {
    this.slot.status = status;
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
      this.end('cancelled', { code: 'cancelled', message: 'Cancelled by the caller.' });
    } else {
      this.judge(outcome.failure, candidate);
    }
  }

  private call(candidate: PlannedCandidate): Promise<GenerateMediaResult> {
    const { generationId } = this.run.state;
    const { slot } = this.slot;
    const { calls: call } = this;
    const generateMedia = mediaActivity({ candidate, slot, call, remainingSeconds: this.remainingSeconds() });
    return generateMedia({ generationId, slot, jobKey: `${generationId}/slot-${slot}/${call}`, candidate });
  }

  private begin(candidate: PlannedCandidate, startedAt: string): void {
    this.calls += 1;
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
    this.firstFailure ??= failure;
    if (finalFailureClasses.includes(failure.failureClass)) {
      this.end('failed', {
        code: failure.failureClass,
        message: failure.message,
        provider: candidate.provider,
      });
      return;
    }
    if (this.paidAttempts() >= this.run.plan.maxPaidAttempts) {
      this.end(
        'failed',
        this.describe('paid_attempt_limit', 'Too many paid attempts gave no usable picture.'),
      );
      return;
    }
    this.askedToWaitUntil = Math.max(
      this.askedToWaitUntil,
      Date.now() + (failure.retryAfterSeconds ?? 0) * 1000,
    );
  }

  private describe(code: SlotFailureCode, message: string): SlotError {
    const first = this.firstFailure;
    const provider = this.slot.attempts[0]?.provider;
    return {
      code,
      provider,
      message: first === undefined ? message : `${message} First failure: ${first.message}`,
    };
  }

  private addAttempts(trail: readonly AttemptRecord[]): void {
    const { attempts } = this.slot;
    for (const record of trail) attempts.push({ ...record, number: attempts.length + 1 });
    this.slot.costUsd = roundUsd(attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0));
    this.slot.costEstimated = attempts.some(({ costEstimated }) => costEstimated === true);
  }

  /** Attempts that may have been billed. */
  private paidAttempts(): number {
    return this.slot.attempts.filter(({ certainty }) => certainty !== 'not_sent').length;
  }

  private backoffSeconds(round: number): number {
    const { initialSeconds, backoffCoefficient, maximumSeconds } = this.run.plan.parking;
    const backoff = Math.min(initialSeconds * backoffCoefficient ** (round - 1), maximumSeconds);
    return Math.max(backoff, (this.askedToWaitUntil - Date.now()) / 1000);
  }

  private remainingSeconds(): number {
    return (Date.parse(this.run.state.deadlineAt ?? this.run.state.startedAt) - Date.now()) / 1000;
  }

  private close(): void {
    delete this.slot.waiting;
    this.slot.finishedAt = new Date().toISOString();
    this.run.changed();
  }
}
