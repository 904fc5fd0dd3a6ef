import type { AttemptRecord } from '../../domain/attempt-record';
import { isFindable, type DispatchState, type GenerateMediaFailure } from '../../domain/dispatch';
import { certaintyAfter } from '../../domain/failures';
import type { SlotProgress, SlotState, UnsettledJob } from '../../domain/generation';
import type { PlannedCandidate, SlotPlan } from '../../domain/plan';
import type { DispatchCertainty } from '../../domain/taxonomy';
import type { Settlement } from '../../activities/settle-job';
import { isCharged, sumUp } from './slot-trail';

/** The provider jobs of one slot: which are open, what they are called, and what those that were given up may have cost. */
export class SlotJobs {
  constructor(
    private readonly generationId: string,
    private readonly plan: SlotPlan,
    private readonly slot: SlotState,
    private readonly progress: SlotProgress,
    /** See `ParkingPolicy.graceSeconds`. */
    private readonly graceSeconds: number,
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

  /** Nobody can tell what became of it, or it was asked for in vain for long: another one may be paid beside it. */
  isGivenUp(candidate: PlannedCandidate): boolean {
    return !isFindable(this.dispatchAt(candidate)) || this.graceLeftSeconds(candidate) <= 0;
  }

  /** Until the open job at this candidate is given up: infinite while its provider can be asked for it. */
  graceLeftSeconds({ modelId }: PlannedCandidate): number {
    if (this.progress.abandoned?.[modelId] === true) return 0;
    const since = this.progress.inVainSince?.[modelId];
    return since === undefined ? Infinity : this.graceSeconds - (Date.now() - Date.parse(since)) / 1000;
  }

  /** Open jobs that were asked for in vain for long. */
  abandoned(): PlannedCandidate[] {
    return this.open().filter((candidate) => this.isGivenUp(candidate));
  }

  abandon({ modelId }: PlannedCandidate): void {
    this.progress.abandoned = { ...this.progress.abandoned, [modelId]: true };
  }

  /** The provider could not be asked for the open job, or did not give it. */
  askedInVain({ modelId }: PlannedCandidate): void {
    const since = this.progress.inVainSince?.[modelId] ?? new Date().toISOString();
    this.progress.inVainSince = { ...this.progress.inVainSince, [modelId]: since };
  }

  /** The provider spoke of the open job. */
  heardOf({ modelId }: PlannedCandidate): void {
    delete this.progress.inVainSince?.[modelId];
  }

  /** Task queue of the process that may still make the call at this candidate, where nobody else can find its job. */
  workerAt(candidate: PlannedCandidate): string | undefined {
    const dispatch = this.dispatchAt(candidate);
    const isOurs = dispatch.phase === 'intent' && !isFindable(dispatch);
    return isOurs ? this.progress.workers?.[candidate.modelId] : undefined;
  }

  /** Names one job for ever: the next one at the same model gets another key. */
  keyAt({ modelId }: PlannedCandidate): string {
    const finished = this.progress.finishedJobs[modelId] ?? 0;
    const key = `${this.generationId}/slot-${this.slot.slot}/${modelId}`;
    return finished === 0 ? key : `${key}/${finished + 1}`;
  }

  /** Takes in what a failed call says of its job. */
  note(candidate: PlannedCandidate, previous: DispatchState, failure: GenerateMediaFailure): void {
    const { dispatch, outcome, worker } = failure;
    const { modelId } = candidate;
    this.progress.dispatches[modelId] = dispatch;
    if (worker !== undefined) this.progress.workers = { ...this.progress.workers, [modelId]: worker };
    if (dispatch.phase !== 'none') return;
    if (previous.phase === 'none' && outcome === 'nothing_sent') return;
    this.close(candidate, certaintyAfter(outcome));
  }

  /** A cancelled call left its job as this. */
  leave(candidate: PlannedCandidate, dispatch: DispatchState): void {
    if (dispatch.phase === 'none') this.close(candidate);
    else this.progress.dispatches[candidate.modelId] = dispatch;
  }

  /**
   * The job is over: it gave its result, failed, or will never be asked for again.
   *
   * @param certainty what was learnt of its submit
   */
  close(candidate: PlannedCandidate, certainty: DispatchCertainty = 'accepted'): void {
    this.learn(this.keyAt(candidate), certainty);
    this.unbook(candidate.modelId);
    this.forget(candidate.modelId);
  }

  /** Nobody can find out about the job, and nobody will ask again: its price stays at risk. */
  writeOff(candidate: PlannedCandidate): void {
    this.book(candidate);
    this.forget(candidate.modelId);
  }

  /** Nobody waits for these jobs any more. Their price is at risk until they are settled. */
  giveUp(candidates: readonly PlannedCandidate[]): UnsettledJob[] {
    const given = candidates.flatMap((candidate) => {
      const { modelId } = candidate;
      const dispatch = this.dispatchAt(candidate);
      const jobKey = this.keyAt(candidate);
      this.book(candidate);
      const attempt = this.progress.booked[modelId] ?? this.latestAttempt(jobKey)?.number;
      this.forget(modelId);
      if (!isFindable(dispatch)) return [];
      const seed = this.progress.seeds?.[modelId] ?? this.slot.seed;
      const since = new Date().toISOString();
      return [{ modelId, jobKey, dispatch, seed, since, ...(attempt !== undefined && { attempt }) }];
    });
    this.progress.unsettled = [...(this.progress.unsettled ?? []), ...given];
    return given;
  }

  /** It is known for good what a job came to. */
  settle(job: UnsettledJob, { certainty, costUsd, costEstimated, billing }: Settlement): void {
    this.learn(job.jobKey, certainty);
    const attempt = this.slot.attempts.find(({ number }) => number === job.attempt);
    if (attempt !== undefined) {
      delete attempt.atRiskUsd;
      Object.assign(attempt, { costUsd, costEstimated, ...(billing !== undefined && { billing }) });
    }
    this.progress.unsettled = (this.progress.unsettled ?? []).filter(({ jobKey }) => jobKey !== job.jobKey);
    sumUp(this.slot);
  }

  /** Puts the price of every open job at risk, while nobody asks for its result. */
  bookOpen(): void {
    for (const candidate of this.open()) this.book(candidate);
  }

  private book(candidate: PlannedCandidate): void {
    const { modelId, priceUsd } = candidate;
    if ((this.progress.booked[modelId] ?? null) !== null || priceUsd === 0) return;
    const attempt = this.latestAttempt(this.keyAt(candidate));
    if (attempt === undefined || isCharged(attempt)) return;
    attempt.atRiskUsd = priceUsd;
    this.progress.booked[modelId] = attempt.number;
    sumUp(this.slot);
  }

  /** The job's last attempt says what it cost after all. */
  private unbook(modelId: string): void {
    const attempt = this.slot.attempts.find(({ number }) => number === this.progress.booked[modelId]);
    if (attempt !== undefined) delete attempt.atRiskUsd;
    sumUp(this.slot);
  }

  /** The next job at this model is a new one. */
  private forget(modelId: string): void {
    const { progress } = this;
    progress.dispatches[modelId] = { phase: 'none' };
    progress.booked[modelId] = null;
    delete progress.abandoned?.[modelId];
    delete progress.inVainSince?.[modelId];
    delete progress.workers?.[modelId];
    progress.finishedJobs[modelId] = (progress.finishedJobs[modelId] ?? 0) + 1;
  }

  /** What nobody knew of a submit is known now. */
  private learn(jobKey: string, certainty: DispatchCertainty): void {
    if (certainty === 'unknown') return;
    for (const attempt of this.slot.attempts) {
      if (attempt.jobKey === jobKey && attempt.certainty === 'unknown') attempt.certainty = certainty;
    }
  }

  /** The newest attempt of a job that may have been paid. */
  private latestAttempt(jobKey: string): AttemptRecord | undefined {
    return this.slot.attempts.findLast(
      (attempt) =>
        attempt.jobKey === jobKey && attempt.outcome !== 'succeeded' && attempt.certainty !== 'not_sent',
    );
  }
}
