import type { SlotError, SlotState } from '../../domain/generation';
import type { Ledger } from '../../domain/ledger';
import type { PlannedCandidate, SlotPlan } from '../../domain/plan';
import type { ProviderName, SlotFailureCode } from '../../domain/taxonomy';
import { showMoney } from './attempts';
import { isCalling, known } from './rules/ledger';
import type { End } from './rules/next';

/** What people and the database see of a slot follows from its ledger. */
export function showLedger(state: SlotState, plan: SlotPlan, ledger: Ledger): void {
  const { jobs } = ledger;
  showMoney(state, ledger);
  state.seed = jobs.find(({ fate }) => fate === 'made')?.seed ?? ledger.seed;
  const rival = jobs.find((job) => job.isRival === true && isCalling(job));
  if (rival === undefined) delete state.racing;
  else state.racing = { ...placeOf(candidateOf(plan, rival.endpoint)), since: isoOf(rival.since) };
  if (state.finishedAt === undefined) showQuestion(state, plan, ledger);
}

export function showAt(state: SlotState, { provider, endpoint, identity }: PlannedCandidate): void {
  Object.assign(state, { provider, endpoint, identity });
}

/** @param until epoch ms */
export function showWait(state: SlotState, ledger: Ledger, until: number, watched: ProviderName[]): void {
  state.status = 'waiting';
  state.waiting = {
    reason: ledger.reason ?? 'No provider answered.',
    since: state.waiting?.since ?? new Date().toISOString(),
    nextTryAt: isoOf(until),
    round: ledger.round,
    watched,
  };
}

export function showEnd(state: SlotState, plan: SlotPlan, ledger: Ledger, as: End): void {
  if (as === 'completed' || as === 'cancelled') state.status = as;
  else state.status = 'failed';
  if (as === 'cancelled') state.error = { code: 'cancelled', message: 'Cancelled by the caller.' };
  else if (as !== 'completed') state.error = errorOf(state, plan, ledger, as);
  delete state.waiting;
  delete state.decision;
  state.finishedAt = new Date().toISOString();
}

export function candidateOf({ candidates }: SlotPlan, id: string): PlannedCandidate {
  return known(candidates.find(({ modelId }) => modelId === id));
}

function showQuestion(state: SlotState, plan: SlotPlan, ledger: Ledger): void {
  const { question } = ledger;
  if (question === undefined) {
    if (state.decision !== undefined) state.status = 'running';
    delete state.decision;
    return;
  }
  const { key, endpoint, since, answer } = question;
  const money = ledger.jobs.find((job) => job.key === key)?.money;
  const atRiskUsd = money?.kind === 'at_risk' ? money.usd : 0;
  state.status = 'needs_decision';
  state.decision = {
    ...placeOf(candidateOf(plan, endpoint)),
    ...{ since: isoOf(since), atRiskUsd },
    ...(answer !== undefined && { answer }),
  };
}

const limits: Partial<Record<SlotFailureCode, string>> = {
  corrupt: 'No provider made a usable picture, and no refill is left.',
  deadline_exceeded: 'No provider could serve this before the deadline.',
  paid_attempt_limit: 'Too many submits gave no usable picture, and each was paid or may have been.',
};

function errorOf(
  { attempts }: SlotState,
  plan: SlotPlan,
  ledger: Ledger,
  as: Exclude<End, 'completed' | 'cancelled'>,
): SlotError {
  if (as === 'refused' || as === 'duplicate') {
    const { code, message, endpoint } = known(as === 'refused' ? ledger.refusal : ledger.twin);
    return { code, message, provider: candidateOf(plan, endpoint).provider };
  }
  if (as === 'given_up' || as === 'undecided') {
    const { provider } = candidateOf(plan, known(ledger.question).endpoint);
    const why = as === 'given_up' ? 'The slot was given up' : 'Nobody decided before the deadline';
    const message = `${why}: the picture of a submit to ${provider} was lost, and it may have been paid.`;
    return { code: 'outcome_unknown', message, provider };
  }
  if (as === 'budget_exceeded') {
    const [reason] = Object.values(ledger.endpoints).flatMap(({ tooDear = [] }) => tooDear);
    return { code: as, message: known(reason) };
  }
  // The first thing that went wrong stands beside the limit that ended the slot.
  const message = limits[as] ?? 'No picture could be made.';
  const first = attempts.find(({ outcome }) => outcome === 'failed');
  if (first === undefined) return { code: as, message };
  const { provider, message: reason = 'unknown' } = first;
  return { code: as, provider, message: `${message} First failure: ${reason}` };
}

function placeOf({ provider, endpoint }: PlannedCandidate): Pick<PlannedCandidate, 'provider' | 'endpoint'> {
  return { provider, endpoint };
}

function isoOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
