import { failureOf } from '../../../domain/failures';
import type { Job, Ledger } from '../../../domain/ledger';
import type { SlotFailureCode } from '../../../domain/taxonomy';
import {
  hasRaced,
  isCalling,
  isOpen,
  isOverdue,
  noteOf,
  wastedJobs,
  type Endpoint,
  type Rules,
} from './ledger';

/** What a slot does next. Times are epoch ms. */
export type Step =
  | { kind: 'submit'; endpoint: string }
  /** More than was set aside for the generation: ask the caller's limit first. */
  | { kind: 'ask_limit'; endpoint: string }
  /** Find it, or collect it: free, and as often as wanted. */
  | { kind: 'look'; key: string }
  | { kind: 'stop'; key: string }
  /** Nothing before that time, unless something happens. */
  | { kind: 'wait'; until: number; for: 'call' | 'moment' | 'person' | 'provider' }
  /** Every candidate had its turn: the slot waits for its next round. */
  | { kind: 'park'; until: number }
  | { kind: 'begin_round' }
  | { kind: 'ask_person'; key: string }
  /** What a person allowed: another job may be paid in place of the lost ones. */
  | { kind: 'go_on' }
  | { kind: 'end'; as: End };

export type End = 'completed' | 'cancelled' | 'given_up' | 'undecided' | 'refused' | SlotFailureCode;

/** What is the case outside the slot. Times are epoch ms. */
export interface Facts {
  nowMs: number;
  deadlineMs: number;
  isCancelled: boolean;
  /** `never`: the set is made by another endpoint. `later`: another slot may decide so just now. `yes`: neither. */
  fitsSet(endpoint: Endpoint): 'yes' | 'later' | 'never';
  /** `ask`: more than was set aside, so the limit has to be asked. */
  affords(endpoint: Endpoint): 'yes' | 'ask' | 'no';
  /** The provider asked to be left alone until then. */
  closedUntil(endpoint: Endpoint): number;
}

/** Everything a row may look at. */
export interface Situation {
  ledger: Ledger;
  /** In the order of the plan. */
  endpoints: readonly Endpoint[];
  rules: Rules;
  facts: Facts;
}

export interface Row {
  /** The condition, in the words of the product. */
  when: string;
  /** The step, in the same words. */
  then: string;
  why: string;
  step(situation: Situation): Step | undefined;
}

/** The table. The first row that has a step decides. */
export const rows: readonly Row[] = [
  {
    when: 'a picture is there',
    then: 'stop the other call of a race; then end as completed',
    why: 'The slot has what it was for. A rival is stopped and paid off first.',
    step: (situation) =>
      situation.ledger.jobs.some(({ fate }) => fate === 'made')
        ? windDown(situation, 'completed')
        : undefined,
  },
  {
    when: 'the caller cancelled',
    then: 'stop every call; then end as cancelled',
    why: 'Calls are stopped first, so that their money is known.',
    step: (situation) => (situation.facts.isCancelled ? windDown(situation, 'cancelled') : undefined),
  },
  {
    when: 'a provider refused the request itself',
    then: 'stop the other call of a race; then end with that refusal',
    why: 'No other provider may get around a refusal.',
    step: (situation) =>
      situation.ledger.refusal === undefined ? undefined : windDown(situation, 'refused'),
  },
  {
    when: 'a call is slow and the caller allows a race',
    then: 'submit at the next candidate of another provider; ask the limit first where needed',
    why: 'The price of one more picture buys time. Once in a slot.',
    step: (situation) => {
      const slow = raceable(situation);
      if (slow === undefined || situation.facts.nowMs < slowAtMs(situation, slow)) return undefined;
      const rival = rivalOf(situation, slow);
      return rival && submitAt(situation, rival);
    },
  },
  {
    when: 'a call is under way',
    then: 'wait for it, or until it counts as slow',
    why: 'One paid call at a time.',
    step: (situation) => {
      if (!situation.ledger.jobs.some(isCalling)) return undefined;
      const slow = raceable(situation);
      const slowAt = slow === undefined ? 0 : slowAtMs(situation, slow);
      return { kind: 'wait', for: 'call', until: slowAt > situation.facts.nowMs ? slowAt : Infinity };
    },
  },
  {
    when: 'a person answered, or the deadline passed while a person is asked',
    then: 'look once more for each open job; then allow another one, or end',
    why: 'The job may have turned up meanwhile: look once more, then obey.',
    step: (situation) => {
      const { question, jobs } = situation.ledger;
      if (question === undefined || (question.answer === undefined && !isLate(situation))) return undefined;
      const open = jobs.find((job) => isOpen(job) && !question.looked.includes(job.key));
      if (open !== undefined) return { kind: 'look', key: open.key };
      if (question.answer === 'resubmit') return { kind: 'go_on' };
      return { kind: 'end', as: question.answer === 'give_up' ? 'given_up' : 'undecided' };
    },
  },
  {
    when: 'a person is asked',
    then: 'look for open jobs now and then, and wait',
    why: 'Only an answer, the job itself or the deadline ends the question. The job is looked for meanwhile.',
    step: ({ ledger: { question, jobs }, facts: { nowMs, deadlineMs } }) => {
      if (question === undefined) return undefined;
      const open = jobs.filter(isOpen);
      const due = open.find(({ notBefore }) => notBefore <= nowMs);
      if (due !== undefined) return { kind: 'look', key: due.key };
      const until = Math.min(deadlineMs, ...open.map(({ notBefore }) => notBefore));
      return { kind: 'wait', for: 'person', until };
    },
  },
  {
    when: 'on hold, nobody can find out about a job that may be paid',
    then: 'ask a person',
    why: 'With hold nothing is paid twice without permission.',
    step: (situation) => {
      const { ledger, rules } = situation;
      const lost = rules.isOnHold ? ledger.jobs.find((job) => needsPermission(situation, job)) : undefined;
      return lost === undefined ? undefined : { kind: 'ask_person', key: lost.key };
    },
  },
  {
    when: 'the deadline is over',
    then: 'end as deadline_exceeded',
    why: 'No job is paid and no person is asked after it. The clean-up collects what is open.',
    step: (situation) => (isLate(situation) ? { kind: 'end', as: 'deadline_exceeded' } : undefined),
  },
  {
    when: 'an open job is due',
    then: 'look for it, or collect it',
    why: 'Asking is free, and what it gives is paid already.',
    step: ({ ledger, facts }) => {
      const due = ledger.jobs.find(
        (job) => isOpen(job) && job.notBefore <= facts.nowMs && !noteOf(ledger, job.endpoint).hadItsTurn,
      );
      return due === undefined ? undefined : { kind: 'look', key: due.key };
    },
  },
  {
    when: 'the slot waits for its next round',
    then: 'wait; then begin the round',
    why: 'The pause that began after the last candidate is still running.',
    step: ({ ledger: { waitsUntil }, facts: { nowMs } }) => {
      if (waitsUntil === undefined) return undefined;
      return waitsUntil <= nowMs
        ? { kind: 'begin_round' }
        : { kind: 'wait', for: 'provider', until: waitsUntil };
    },
  },
  {
    when: 'an open job will be asked for soon',
    then: 'wait for that',
    why: 'What it gives is paid already. Only a look can show that it has been asked for in vain for too long.',
    step: ({ ledger, facts }) => {
      const soon = ledger.jobs.filter((job) => isOpen(job) && !noteOf(ledger, job.endpoint).hadItsTurn);
      if (soon.length === 0) return undefined;
      const until = Math.min(facts.deadlineMs, ...soon.map(({ notBefore }) => notBefore));
      return { kind: 'wait', for: 'provider', until };
    },
  },
  {
    when: 'too many jobs were paid for nothing',
    then: 'end as paid_attempt_limit',
    why: 'A slot must not spend without end. Jobs that a person allowed to replace do not count.',
    step: ({ ledger, endpoints, rules }) => {
      const counted = ledger.jobs.filter(({ permission }) => permission !== 'given');
      return wastedJobs(counted, endpoints) >= rules.maxPaid
        ? { kind: 'end', as: 'paid_attempt_limit' }
        : undefined;
    },
  },
  {
    when: 'the picture is like another one of the set, and no refill is left',
    then: 'end as duplicate',
    why: 'The set has no use for it. The other job of a race was looked for first.',
    step: ({ ledger: { twin } }) => (twin === undefined ? undefined : { kind: 'end', as: 'duplicate' }),
  },
  {
    when: 'a doubt has its moment',
    then: 'wait a moment',
    why: 'The error of a gateway often passes within a second.',
    step: ({ ledger: { momentEndsAt }, facts: { nowMs, deadlineMs } }) =>
      momentEndsAt > nowMs
        ? { kind: 'wait', for: 'moment', until: Math.min(momentEndsAt, deadlineMs) }
        : undefined,
  },
  {
    when: 'a candidate has its turn',
    then: 'submit there; ask the limit first where needed',
    why: 'In the order of the plan. In later rounds whoever left doubts comes last.',
    step: (situation) => {
      if (!mayPay(situation)) return undefined;
      for (const endpoint of inTurn(situation)) {
        const step = turnOf(situation, endpoint);
        if (step !== undefined) return step;
      }
      return undefined;
    },
  },
  {
    when: 'every picture was of no use',
    then: 'end as corrupt',
    why: 'There is no refill left, and nobody else to ask.',
    step: (situation) => {
      const usable = situation.endpoints.filter((one) => situation.facts.fitsSet(one) !== 'never');
      const areSpoiled = usable.every(({ id }) => noteOf(situation.ledger, id).isSpoiled);
      return usable.length > 0 && areSpoiled && !hasOpen(situation)
        ? { kind: 'end', as: 'corrupt' }
        : undefined;
    },
  },
  {
    when: 'everybody left is too dear',
    then: 'end as budget_exceeded',
    why: 'The caller set a limit.',
    step: (situation) => {
      const left = situation.endpoints.filter((one) => isUsable(situation, one));
      const areDear = left.every(({ id }) => noteOf(situation.ledger, id).tooDear !== undefined);
      return left.length > 0 && areDear && !hasOpen(situation)
        ? { kind: 'end', as: 'budget_exceeded' }
        : undefined;
    },
  },
  {
    when: 'every candidate had its turn',
    then: 'wait until one of them may be worth a call again',
    why: 'Nobody can serve it now. Each wait is longer than the one before, up to a maximum.',
    step: (situation) => ({ kind: 'park', until: roundEndsAtMs(situation) }),
  },
];

/** The first row of the table that has a step. */
export function next(situation: Situation, table: readonly Row[] = rows): { row: Row; step: Step } {
  for (const row of table) {
    const step = row.step(situation);
    if (step !== undefined) return { row, step };
  }
  throw new Error('the table has no row for this');
}

/** Ends when no call is under way any more. */
function windDown({ ledger: { jobs } }: Situation, as: End): Step {
  const calling = jobs.filter(isCalling);
  const [first] = calling.filter(({ isStopping }) => isStopping === undefined);
  if (first !== undefined) return { kind: 'stop', key: first.key };
  return calling.length > 0 ? { kind: 'wait', for: 'call', until: Infinity } : { kind: 'end', as };
}

function isLate({ facts: { nowMs, deadlineMs } }: Situation): boolean {
  return nowMs >= deadlineMs;
}

function slowAtMs({ endpoints }: Situation, { endpoint, callingSince = 0 }: Job): number {
  return callingSince + (endpoints.find(({ id }) => id === endpoint)?.slowAfterMs ?? Infinity);
}

/** The only call, if it is a submit and nothing else is open: a look at an open job is no race. */
function raceable({ ledger, rules }: Situation): Job | undefined {
  if (!rules.mayHedge || hasRaced(ledger)) return undefined;
  const [only, ...others] = ledger.jobs.filter(isOpen);
  const isSubmit = only?.callingSince !== undefined && only.trace.phase === 'none';
  return isSubmit && others.length === 0 && only.wasRaced !== true ? only : undefined;
}

function rivalOf(situation: Situation, slow: Job): Endpoint | undefined {
  const { endpoints, facts } = situation;
  if (isLate(situation)) return undefined;
  const provider = endpoints.find(({ id }) => id === slow.endpoint)?.provider;
  return endpoints.find(
    (one) => one.provider !== provider && isWelcome(situation, one) && facts.affords(one) !== 'no',
  );
}

function submitAt({ facts }: Situation, endpoint: Endpoint): Step {
  return { kind: facts.affords(endpoint) === 'yes' ? 'submit' : 'ask_limit', endpoint: endpoint.id };
}

/** On hold: nobody knows of the job, or its provider speaks and does not give it. Another open one may still give its picture. */
function needsPermission(situation: Situation, job: Job): boolean {
  if (job.permission === 'needed') return true;
  return isOpen(job) && !isLate(situation) && speaksOfJob(job) && areOverdue(situation);
}

/** The provider itself spoke of the job, or the time limit of the job ran out: this is no outage that will end. */
function speaksOfJob({ failure }: Job): boolean {
  if (failure === undefined) return false;
  const { answeredBy, outage, class: failureClass } = failureOf(failure);
  return (
    failure === 'deadline_exceeded' ||
    (answeredBy === 'provider' && outage === 'none' && failureClass !== 'capacity')
  );
}

/** Whether another job may be paid: beside an open one only when that is overdue, and never on hold. */
export function mayPay(situation: Situation): boolean {
  return !hasOpen(situation) || (!situation.rules.isOnHold && areOverdue(situation));
}

/** All open jobs. */
function areOverdue({ ledger, rules, facts }: Situation): boolean {
  return ledger.jobs.filter(isOpen).every((job) => isOverdue(job, rules, facts.nowMs));
}

function hasOpen({ ledger }: Situation): boolean {
  return ledger.jobs.some(isOpen);
}

/** When another job may be paid beside those that are open; never, where it may be now. */
function nextPayableAtMs(situation: Situation): number {
  const { ledger, rules, facts } = situation;
  if (rules.isOnHold || mayPay(situation)) return Infinity;
  const overdueAt = ledger.jobs
    .filter(isOpen)
    .map(({ inVainSince = Infinity }) => inVainSince + rules.graceMs);
  return Math.max(facts.nowMs + 1000, ...overdueAt);
}

function inTurn({ ledger, endpoints }: Situation): Endpoint[] {
  if (ledger.round === 1) return [...endpoints];
  const doubtsAt = ({ provider }: Endpoint): number => ledger.doubts[provider]?.count ?? 0;
  return [...endpoints].sort((one, other) => doubtsAt(one) - doubtsAt(other));
}

function turnOf(situation: Situation, endpoint: Endpoint): Step | undefined {
  if (!isWelcome(situation, endpoint)) return undefined;
  const { ledger, facts } = situation;
  const { notBefore } = noteOf(ledger, endpoint.id);
  // It is asked once more in this round: the others wait for it.
  if (notBefore > facts.nowMs)
    return { kind: 'wait', for: 'provider', until: Math.min(notBefore, facts.deadlineMs) };
  return submitAt(situation, endpoint);
}

/** It may still make the slot's picture. */
function isUsable({ ledger, facts }: Situation, endpoint: Endpoint): boolean {
  return facts.fitsSet(endpoint) !== 'never' && !noteOf(ledger, endpoint.id).isSpoiled;
}

/** It may be asked for a new job in this round. */
function isWelcome(situation: Situation, endpoint: Endpoint): boolean {
  const { ledger, facts } = situation;
  const { hadItsTurn, tooDear } = noteOf(ledger, endpoint.id);
  if (hadItsTurn || tooDear !== undefined || !isUsable(situation, endpoint)) return false;
  if (
    facts.fitsSet(endpoint) !== 'yes' ||
    ledger.jobs.some((job) => isOpen(job) && job.endpoint === endpoint.id)
  )
    return false;
  return closedUntilMs(situation, endpoint) <= facts.nowMs;
}

function closedUntilMs({ ledger, facts }: Situation, endpoint: Endpoint): number {
  return Math.max(facts.closedUntil(endpoint), ledger.doubts[endpoint.provider]?.until ?? 0);
}

/** Everybody knows that its provider is down. */
function isDown({ ledger, endpoints }: Situation, { provider }: Endpoint): boolean {
  return endpoints.some((one) => one.provider === provider && noteOf(ledger, one.id).outage === 'down');
}

/** A watch wakes its slots at once; this is for the day on which it could not. */
const watchedWaitMs = 600_000;
/** After this many jobs that were or may have been paid for nothing, the slot waits this much longer. */
const manyWasted = 2;
const wastefulWaitFactor = 4;

function roundEndsAtMs(situation: Situation): number {
  const { ledger, endpoints, rules, facts } = situation;
  const { initialMs, coefficient, maximumMs } = rules.parking;
  const usual = Math.min(initialMs * coefficient ** (ledger.round - 1), maximumMs);
  const isExpensive = ledger.isWasteful && wastedJobs(ledger.jobs, endpoints) >= manyWasted;
  const backoff = facts.nowMs + (isExpensive ? wastefulWaitFactor * usual : usual);
  const opens = endpoints.map((endpoint) => {
    const hasOpenJob = ledger.jobs.some((job) => isOpen(job) && job.endpoint === endpoint.id);
    if (!hasOpenJob && !(mayPay(situation) && isUsable(situation, endpoint))) return Infinity;
    if (isDown(situation, endpoint)) return facts.nowMs + watchedWaitMs;
    return hasOpenJob ? facts.closedUntil(endpoint) : closedUntilMs(situation, endpoint);
  });
  return Math.min(facts.deadlineMs, nextPayableAtMs(situation), Math.max(backoff, Math.min(...opens)));
}
