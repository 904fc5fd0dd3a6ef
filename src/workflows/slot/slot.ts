import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';
import { isFindable, type GenerateMediaResult } from '../../domain/dispatch';
import { certaintyAfter } from '../../domain/failures';
import type { SlotDecision, SlotState } from '../../domain/generation';
import type { Ledger } from '../../domain/ledger';
import type { PlannedCandidate, SlotPlan } from '../../domain/plan';
import type { DispatchCertainty } from '../../domain/taxonomy';
import { joinWatches, mediaActivity } from '../activity-options';
import {
  engineOf,
  deadlineMs,
  engineOfSet,
  recipeOf,
  remainingSeconds,
  type GenerationRun,
} from '../generation/generation-run';
import { affords, fitsSet } from '../generation/rules';
import { askLimit, budgetOf } from '../generation/spend-guard';
import { addAttempts, discarded, learn, overtaken } from './attempts';
import { outcomeOf, type EndedCall, type MadeCall } from './media-call';
import { pictureProblem, withSeed } from './picture';
import { apply, type Outcome, type SlotEvent } from './rules/apply';
import { hasDoubts, isDecided, jobOf, known, noteOf, type Endpoint, type Rules } from './rules/ledger';
import type { End, Situation, Step } from './rules/next';
import { candidateOf, showAt, showEnd, showLedger, showWait } from './show';

/** Least time for a worker to take up the look for an open job, also at the deadline. */
const lookSeconds = 60;
/** Shorter pauses are part of a call. */
const shownPauseMs = 15_000;

/** One slot of a running generation: carries out what the table says, and tells the ledger what came of it. */
export class Slot {
  /** It has ended, and nothing of it is under way. */
  isOver = false;
  /** Keys of jobs that are being cleaned up in this run. */
  readonly cleaningUp = new Set<string>();
  private readonly endpoints: Endpoint[];
  private readonly rules: Rules;
  private readonly calls = new Map<string, CancellationScope>();
  private readonly ended: { made: MadeCall; call: EndedCall }[] = [];
  private isWoken = false;
  private knowsOfCancel = false;

  constructor(
    readonly run: GenerationRun,
    readonly plan: SlotPlan,
    readonly state: SlotState,
  ) {
    this.endpoints = plan.candidates.map(endpointOf);
    this.rules = rulesOf(run);
  }

  get ledger(): Ledger {
    return known(this.run.ledgers.get(this.state.slot));
  }

  /** It has its picture, or will never have one. */
  isFinished(): boolean {
    return this.state.finishedAt !== undefined;
  }

  isCalling(): boolean {
    return this.calls.size > 0;
  }

  /** What the table decides by. */
  situation(): Situation {
    const { ledger, endpoints, rules, run } = this;
    return {
      ...{ ledger, endpoints, rules },
      facts: {
        nowMs: Date.now(),
        deadlineMs: deadlineMs(run),
        isCancelled: run.isCancelled,
        fitsSet: ({ id }) => fitsSet(engineOfSet(run, this.state.slot), this.candidate(id).endpoint),
        affords: ({ priceUsd }) => affords(budgetOf(run), priceUsd),
        closedUntil: ({ id }) =>
          Math.max(...addressesOf(this.candidate(id)).map((address) => run.notBefore.get(address) ?? 0)),
      },
    };
  }

  /** Takes in what happened. */
  take(event: SlotEvent): void {
    const { run, endpoints, rules } = this;
    const around = { endpoints, rules, nowMs: Date.now(), deadlineMs: deadlineMs(run) };
    const before = this.ledger;
    run.ledgers.set(this.state.slot, apply(before, event, around));
    showLedger(this.state, this.plan, this.ledger);
    run.changed();
    if (before.question?.key !== this.ledger.question?.key) run.save();
  }

  /** A stored picture of the very same recipe costs nothing. */
  reuseStored(): void {
    const { plan, run, state } = this;
    const { reusable } = plan;
    const candidate = plan.candidates.find(({ modelId }) => modelId === reusable?.modelId);
    if (reusable === undefined || candidate === undefined || state.attempts.length > 0) return;
    if (pictureProblem(run, state, candidate, reusable.asset) !== undefined) return;
    this.begin(candidate);
    state.reused = true;
    state.asset = reusable.asset;
    this.take({ kind: 'reused', endpoint: candidate.modelId });
    this.complete();
  }

  submit(endpoint: string): void {
    const planned = this.candidate(endpoint);
    const candidate = withSeed(planned, this.ledger.seed);
    const key = this.keyAt(endpoint);
    const isRace = this.isCalling();
    if (!isRace) this.begin(planned);
    this.take({ kind: 'called', endpoint, key });
    if (isRace) this.run.announce();
    this.call({ candidate, jobKey: key, previous: { phase: 'none' }, startedAt: new Date().toISOString() });
  }

  /** Finds the job, or collects its picture. */
  look(key: string): void {
    const { endpoint, seed, trace: previous, worker } = jobOf(this.ledger, key);
    const planned = this.candidate(endpoint);
    const startedAt = this.begin(planned);
    this.take({ kind: 'looked', key });
    const isOurs = previous.phase === 'intent' && !isFindable(previous);
    const candidate = withSeed(planned, seed);
    this.call({ candidate, jobKey: key, previous, startedAt, ...(isOurs && { worker }) });
  }

  stop(key: string): void {
    this.take({ kind: 'stopping', key });
    this.calls.get(key)?.cancel();
  }

  /** Asks for more than was set aside. A call that ends meanwhile is not kept waiting. */
  async askLimit(endpoint: string): Promise<void> {
    const asking = new CancellationScope();
    let isAnswered = false as boolean;
    const asked = asking
      .run(() => askLimit(this.run, this.candidate(endpoint).priceUsd))
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
        return undefined;
      })
      .finally(() => (isAnswered = true));
    // eslint-disable-next-line temporal/workflow-condition-timeout-style -- the activity has an end of its own
    await condition(() => isAnswered || this.hasNews());
    if (!isAnswered) asking.cancel();
    const answer = await asked;
    if (answer?.granted === false) this.take({ kind: 'too_dear', endpoint, reason: answer.reason });
  }

  /** A person, or the watch of a provider: the slot tries again now, or in the next run where this one rests. */
  wake(byPerson = false): void {
    const { waiting, status } = this.state;
    if (status !== 'waiting' || waiting === undefined) return;
    waiting.nextTryAt = new Date().toISOString();
    this.take({ kind: 'woken', byPerson });
    this.isWoken = true;
  }

  /** A person says what becomes of a lost submit. */
  decide(answer: SlotDecision): void {
    this.take({ kind: 'answered', answer });
    this.isWoken = true;
  }

  hasNews(): boolean {
    return this.ended.length > 0 || this.isWoken || this.run.isCancelled !== this.knowsOfCancel;
  }

  /** Takes in the calls that have ended. */
  receive(): void {
    this.isWoken = false;
    this.knowsOfCancel = this.run.isCancelled;
    for (const { made, call } of this.ended.splice(0)) this.noteEnd(made, call);
  }

  /** Shows a wait that is more than a part of a call, and has the watches told of it. */
  showWait({ until, for: what }: Extract<Step, { kind: 'wait' }>): void {
    const { state, run, ledger } = this;
    const out = this.endpoints.filter(({ id }) => noteOf(ledger, id).outage !== undefined);
    const watched = [...new Set(out.map(({ provider }) => provider))];
    const isParked = ledger.waitsUntil !== undefined;
    if (what !== 'provider' || !(isParked || watched.length > 0 || isLong({ until }))) return;
    showWait(state, ledger, until, watched);
    run.changed();
    if (isParked && run.announced.status !== 'waiting') run.save();
    for (const provider of watched) run.parkedAt.add(provider);
    // Beside the wait, which has a time of its own: nobody is held up while the watches cannot be reached.
    if (watched.length > 0)
      joinWatches({ providers: watched }).catch((error: unknown) => {
        log.warn('no watch knows of this job; it tries again by itself', { error });
      });
  }

  /** Nothing of it is under way any more. What is open is left to the clean-up. */
  end(as: End): void {
    // A picture was shown the moment it came.
    if (!this.isFinished()) showEnd(this.state, this.plan, this.ledger, as);
    this.isOver = true;
    this.take({ kind: 'closed' });
  }

  candidate(id: string): PlannedCandidate {
    return candidateOf(this.plan, id);
  }

  /** The slot's other jobs at this endpoint, by the provider's names. */
  knownRequests({ endpoint }: PlannedCandidate, jobKey: string): { knownRequestIds?: string[] } {
    const ids = this.state.attempts.flatMap((attempt) => {
      const isOther = attempt.endpoint === endpoint && attempt.jobKey !== jobKey;
      return isOther && attempt.providerRequestId !== undefined ? [attempt.providerRequestId] : [];
    });
    return ids.length > 0 ? { knownRequestIds: [...new Set(ids)] } : {};
  }

  /** Names one job for ever: the next one at the same model gets another key. */
  private keyAt(endpoint: string): string {
    const { jobs } = noteOf(this.ledger, endpoint);
    const key = `${this.run.state.generationId}/slot-${this.state.slot}/${endpoint}`;
    return jobs === 0 ? key : `${key}/${jobs + 1}`;
  }

  /** Shows who is asked now. Returns the time. */
  private begin(candidate: PlannedCandidate): string {
    const { run, state } = this;
    const startedAt = new Date().toISOString();
    const isNew = state.provider !== candidate.provider;
    // A look at an open job does not take back the question about it.
    if (state.decision === undefined) state.status = 'running';
    showAt(state, candidate);
    state.startedAt ??= startedAt;
    run.changed();
    if (isNew) run.announce();
    return startedAt;
  }

  private call(made: MadeCall): void {
    const scope = new CancellationScope();
    this.calls.set(made.jobKey, scope);
    const promise = scope.run(() => this.generate(made));
    void outcomeOf(promise, made).then((call) => this.ended.push({ made, call }));
  }

  private generate({ candidate, jobKey, previous, worker }: MadeCall): Promise<GenerateMediaResult> {
    const { run, ledger } = this;
    const { generationId } = run.state;
    const { slot } = this.state;
    const { calls: call, round } = ledger;
    const least = previous.phase === 'none' ? 1 : lookSeconds;
    const seconds = Math.max(remainingSeconds(run), least);
    const generateMedia = mediaActivity({ candidate, slot, call, round, worker, remainingSeconds: seconds });
    return generateMedia({
      ...{ generationId, slot, jobKey, candidate, previous },
      ...this.knownRequests(candidate, jobKey),
      deadlineAt: new Date(deadlineMs(run)).toISOString(),
      ...(ledger.isUrged === true && { isUrged: true }),
      ...(hasDoubts(ledger) && { asksFirst: true }),
    });
  }

  /** Writes down how a call ended. */
  private noteEnd({ candidate, jobKey: key }: MadeCall, { outcome, trail, result }: EndedCall): void {
    const { run, state, ledger } = this;
    this.calls.delete(key);
    const isLate = isDecided(ledger);
    const isOvertaken = isLate || (jobOf(ledger, key).isStopping === true && !run.isCancelled);
    const problem = result && !isLate ? pictureProblem(run, state, candidate, result.asset) : undefined;
    const own = isOvertaken ? overtaken(trail) : trail;
    const reported = problem === undefined ? own : discarded(own, problem);
    const attempt = addAttempts(state, reported, candidate.priceUsd);
    this.closeDoor(candidate, outcome);
    learn(state, key, certaintyOf(outcome, trail.at(-1)?.certainty));
    this.take({ kind: 'ended', key, outcome: { ...outcome, ...(problem && { problem }) }, attempt });
    if (result !== undefined && isLate) this.keepExtra(candidate, jobOf(ledger, key).seed, result);
    if (result === undefined || isLate || problem !== undefined) return;
    showAt(state, candidate);
    state.asset = result.asset;
    run.unsaved.push({ asset: result.asset, recipe: recipeOf(run, state, candidate, result) });
    this.complete();
  }

  /** A paid picture that came too late for the slot is kept beside the set. */
  keepExtra(
    candidate: PlannedCandidate,
    seed: number,
    made: Pick<GenerateMediaResult, 'asset' | 'costUsd' | 'costEstimated' | 'providerRequestId'>,
  ): void {
    const { run, state } = this;
    const { provider, endpoint } = candidate;
    const { asset, costUsd } = made;
    const at = new Date().toISOString();
    const extra = { slot: state.slot, provider, endpoint, seed, asset, costUsd, at };
    run.state.extras = [...(run.state.extras ?? []), extra];
    run.unsaved.push({ asset, recipe: recipeOf(run, { ...state, seed }, candidate, made) });
    run.changed();
  }

  /** A provider that asks one call to stay away means all of this job. */
  private closeDoor(candidate: PlannedCandidate, outcome: Outcome): void {
    if (outcome.kind !== 'failed') return;
    const { code, retryAfterMs, trace } = outcome;
    // Of an open job it says when to ask again, and nothing of other calls. A file host speaks for itself.
    if (retryAfterMs === undefined || trace.phase !== 'none' || code === 'media_host_busy') return;
    const [provider, app] = addressesOf(candidate);
    const address = code === 'rate_limited' ? provider : app;
    const { notBefore } = this.run;
    notBefore.set(address, Math.max(Date.now() + retryAfterMs, notBefore.get(address) ?? 0));
  }

  private complete(): void {
    const { run } = this;
    const isFirst = engineOf(run) === undefined;
    showEnd(this.state, this.plan, this.ledger, 'completed');
    run.changed();
    // Who could not agree on an engine with the others now can.
    if (isFirst && run.plan.rules.coherence === 'required') run.wakeWaiting();
  }
}

/** What a call says of the submit of its job. */
function certaintyOf(outcome: Outcome, ofAttempt: DispatchCertainty = 'unknown'): DispatchCertainty {
  if (outcome.kind === 'made') return 'accepted';
  if (outcome.kind === 'stopped') return ofAttempt;
  return outcome.trace.phase === 'none' ? certaintyAfter(outcome.word) : 'unknown';
}

/** More than a part of a call. */
export function isLong({ until }: Pick<Extract<Step, { kind: 'wait' }>, 'until'>): boolean {
  return until > Date.now() + shownPauseMs;
}

/** Whom a `Retry-After` speaks for: the provider, and one app of it where it has several. */
function addressesOf({ provider, app }: PlannedCandidate): [string, string] {
  return [provider, app === undefined ? provider : `${provider}/${app}`];
}

function endpointOf(candidate: PlannedCandidate): Endpoint {
  const { modelId: id, provider, app, priceUsd, slowAfterSeconds, policy } = candidate;
  const { initialSeconds, backoffCoefficient: coefficient, maximumSeconds, maximumAttempts } = policy.retry;
  return {
    ...{ id, provider, priceUsd, isOneOfMany: app !== undefined },
    slowAfterMs: Math.ceil(slowAfterSeconds * 1000),
    retry: {
      ...{ initialMs: initialSeconds * 1000, maximumMs: maximumSeconds * 1000 },
      ...{ coefficient, maximumAttempts },
    },
  };
}

function rulesOf({ plan }: GenerationRun): Rules {
  const { rules, parking, maxPaidAttempts, slots } = plan;
  const isHeldToOneEngine = rules.coherence === 'required' && slots.length > 1;
  return {
    isOnHold: rules.unknownOutcome === 'hold',
    mayHedge: rules.hedge && !isHeldToOneEngine,
    maxRefills: rules.maxRefills,
    maxPaid: maxPaidAttempts,
    graceMs: parking.graceSeconds * 1000,
    parking: {
      initialMs: parking.initialSeconds * 1000,
      coefficient: parking.backoffCoefficient,
      maximumMs: parking.maximumSeconds * 1000,
    },
  };
}
