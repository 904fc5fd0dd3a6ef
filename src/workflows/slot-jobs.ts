import type { AttemptRecord } from '../domain/attempt-record';
import type { DispatchState, GenerateMediaFailure } from '../domain/dispatch';
import type { SlotProgress, SlotState } from '../domain/generation';
import type { PlannedCandidate, SlotPlan } from '../domain/plan';
import type { ProviderCharge } from '../domain/taxonomy';
import { openAttempt, sumUp } from './slot-trail';

/** The paid jobs of one slot: which are open, what they are called, and what those that were given up may have cost. */
export class SlotJobs {
  constructor(
    private readonly generationId: string,
    private readonly plan: SlotPlan,
    private readonly slot: SlotState,
    private readonly progress: SlotProgress,
  ) {}

  /** What is known of the job at this candidate. */
  dispatchAt({ modelId }: PlannedCandidate): DispatchState {
    return this.progress.dispatches[modelId] ?? { phase: 'none' };
  }

  isOpenAt(candidate: PlannedCandidate): boolean {
    return this.dispatchAt(candidate).phase !== 'none';
  }

  /** Candidates at which a job may still give its result. */
  open(): PlannedCandidate[] {
    return this.plan.candidates.filter((candidate) => this.isOpenAt(candidate));
  }

  /** Nobody can tell what became of it, or it was asked for in vain for long. */
  isGivenUp(candidate: PlannedCandidate): boolean {
    return this.dispatchAt(candidate).phase === 'intent' || this.isAbandoned(candidate);
  }

  /** Open jobs that were asked for in vain for long. */
  abandoned(): PlannedCandidate[] {
    return this.open().filter((candidate) => this.isAbandoned(candidate));
  }

  private isAbandoned({ modelId }: PlannedCandidate): boolean {
    return this.progress.abandoned?.[modelId] === true;
  }

  abandon({ modelId }: PlannedCandidate): void {
    this.progress.abandoned = { ...this.progress.abandoned, [modelId]: true };
  }

  /** Names one job for ever: the next one at the same model gets another key. */
  keyAt({ modelId }: PlannedCandidate): string {
    const finished = this.progress.finishedJobs[modelId] ?? 0;
    const key = `${this.generationId}/slot-${this.slot.slot}/${modelId}`;
    return finished === 0 ? key : `${key}/${finished + 1}`;
  }

  /** Takes in what a failed call says of its job. */
  note(candidate: PlannedCandidate, previous: DispatchState, failure: GenerateMediaFailure): void {
    const { dispatch, certainty } = failure;
    this.progress.dispatches[candidate.modelId] = dispatch;
    if (dispatch.phase !== 'none') return;
    if (previous.phase === 'none' && certainty === 'not_sent') return;
    this.close(candidate);
  }

  /** The job is over: it gave its result, failed, or will never be asked for again. */
  close(candidate: PlannedCandidate): void {
    const { modelId } = candidate;
    this.progress.dispatches[modelId] = { phase: 'none' };
    delete this.progress.abandoned?.[modelId];
    this.progress.finishedJobs[modelId] = (this.progress.finishedJobs[modelId] ?? 0) + 1;
    this.unbook(modelId);
  }

  /** Nobody can find out about the job, and nobody will ask again: its price stays at risk. */
  writeOff(candidate: PlannedCandidate): void {
    this.book(candidate);
    this.progress.booked[candidate.modelId] = null;
    this.close(candidate);
  }

  /** Puts the price of every open job at risk, while nobody asks for its result. */
  bookOpen(): void {
    for (const candidate of this.open()) this.book(candidate);
  }

  /** An open job was stopped at its provider, which may have said what it is billed. */
  settleStopped(candidate: PlannedCandidate, charge: ProviderCharge | undefined): void {
    const { modelId, priceUsd } = candidate;
    const attempt = this.attemptThatCarries(modelId);
    this.progress.dispatches[modelId] = { phase: 'none' };
    if (attempt === undefined || charge === undefined) return;
    delete attempt.atRiskUsd;
    if (charge === 'price') Object.assign(attempt, { costUsd: priceUsd, costEstimated: true });
    sumUp(this.slot);
  }

  private attemptThatCarries(modelId: string): AttemptRecord | undefined {
    const number = this.progress.booked[modelId];
    return this.slot.attempts.find((known) => known.number === number);
  }

  private book(candidate: PlannedCandidate): void {
    if ((this.progress.booked[candidate.modelId] ?? null) !== null) return;
    const attempt = openAttempt(this.slot, candidate.endpoint);
    if (attempt === undefined) return;
    attempt.atRiskUsd = candidate.priceUsd;
    this.progress.booked[candidate.modelId] = attempt.number;
    sumUp(this.slot);
  }

  /** The job's last attempt says what it cost after all. */
  private unbook(modelId: string): void {
    const attempt = this.attemptThatCarries(modelId);
    this.progress.booked[modelId] = null;
    if (attempt !== undefined) delete attempt.atRiskUsd;
    sumUp(this.slot);
  }
}
