import type { PictureProblemCode } from '../../../domain/attempt-record';
import { isFindable, type DispatchState } from '../../../domain/dispatch';
import { failureOf, type FailureCode, type JobOutcome } from '../../../domain/failures';
import type { EndpointNote, Fate, Job, Ledger, Money } from '../../../domain/ledger';
import { finalFailureClasses } from '../../../domain/taxonomy';
import {
  atRisk,
  free,
  isCalling,
  isDecided,
  isOpen,
  isOverdue,
  jobOf,
  known,
  isSmallCost,
  noteOf,
  priceOf,
  wasteOf,
  type Endpoint,
  type Rules,
} from './ledger';

/** A call that failed, and the one word it says of its job. */
export interface Failed {
  kind: 'failed';
  code: FailureCode;
  message: string;
  word: JobOutcome;
  /** The way back to the job. */
  trace: DispatchState;
  /** Task queue of the process that may still make the call. */
  worker?: string | undefined;
  /** What the job cost; left out where nobody says. */
  money?: Money | undefined;
  retryAfterMs?: number | undefined;
  /** How long the call took. */
  tookMs: number;
}

/** Why the set has no use for a picture that was made and paid. */
export interface PictureProblem {
  code: PictureProblemCode;
  message: string;
}

/** How a call ended. */
export type Outcome =
  | { kind: 'made'; money: Money; problem?: PictureProblem | undefined }
  | Failed
  /** We stopped it. */
  | { kind: 'stopped'; money: Money; trace: DispatchState };

export type SlotEvent =
  | { kind: 'called'; endpoint: string; key: string }
  | { kind: 'looked'; key: string }
  | { kind: 'stopping'; key: string }
  /** `attempt`: number of the attempt that tells of it. */
  | { kind: 'ended'; key: string; outcome: Outcome; attempt?: number | undefined }
  /** A stored picture of the very same recipe serves. */
  | { kind: 'reused'; endpoint: string }
  /** Without a reason: the limit could not be read in time. */
  | { kind: 'too_dear'; endpoint: string; reason?: string | undefined }
  | { kind: 'parked'; until: number }
  | { kind: 'round_began' }
  /** What is waited for may be over. `byPerson`: whatever anybody asked of other calls. */
  | { kind: 'woken'; byPerson: boolean }
  | { kind: 'asked'; key: string }
  | { kind: 'answered'; answer: 'resubmit' | 'give_up' }
  | { kind: 'went_on' }
  /** The slot has ended: nobody waits for its open jobs any more. */
  | { kind: 'closed' }
  /** It is known for good what a job that was given up came to. */
  | { kind: 'settled'; key: string; money: Money };

/** What an event is judged by. Times are epoch ms. */
export interface Surroundings {
  endpoints: readonly Endpoint[];
  rules: Rules;
  nowMs: number;
  deadlineMs: number;
}

/** Larger than any set, so that a new seed is never another slot's. */
const seedStride = 7919;
/** Calls in a row that were lost on our side: a worker that dies of every one of them must not be given the next at once. */
const mostOwnLosses = 8;
/** Calls of this length had the provider's ear: an outage that ends one has only begun. */
const longCallMs = 60_000;
/** Each submit that only a gateway answered may have been paid: the wait before the next one is this much longer. */
const doubtfulWaitFactor = 4;
/** Times the usual longest wait (300 s by default, so an hour): six submits in doubt take more than that. */
const longestDoubtfulWait = 12;

/** The ledger after an event. Changes nothing in place. */
export function apply(ledger: Ledger, event: SlotEvent, around: Surroundings): Ledger {
  const { nowMs } = around;
  switch (event.kind) {
    case 'called':
      return called(ledger, event, around);
    case 'looked':
      return {
        ...withJob(ledger, event.key, (job) => ({ ...job, callingSince: nowMs })),
        calls: ledger.calls + 1,
      };
    case 'stopping':
      return withJob(ledger, event.key, (job) => ({ ...job, isStopping: true }));
    case 'ended':
      return afterLook(ended(ledger, event, around), event.key, around);
    case 'reused':
      return { ...ledger, jobs: [{ ...newJob(event.endpoint, ledger, around), fate: 'made', money: free }] };
    case 'too_dear':
      return tooDear(ledger, event);
    case 'parked':
      return { ...ledger, waitsUntil: event.until, isUrged: undefined };
    case 'round_began':
      return beginRound(ledger);
    case 'woken':
      return woken(ledger, event.byPerson, nowMs);
    case 'asked':
      return asked(ledger, event.key, around);
    case 'answered':
      return ledger.question === undefined
        ? ledger
        : { ...ledger, question: { ...ledger.question, answer: event.answer } };
    case 'went_on':
      return goOn(ledger, around);
    case 'closed':
      return withJobs(ledger, isOpen, (job) => giveUp(job, nowMs));
    case 'settled':
      return withJob(ledger, event.key, (job) => ({ ...job, fate: 'ended', money: event.money }));
  }
}

/** A race is a favour: where it costs too much, it takes no turn. */
function tooDear(ledger: Ledger, { endpoint, reason }: Extract<SlotEvent, { kind: 'too_dear' }>): Ledger {
  if (ledger.jobs.some(isCalling)) return withJobs(ledger, isCalling, (job) => ({ ...job, wasRaced: true }));
  return withNote(ledger, endpoint, (note) =>
    reason === undefined ? pass(note) : { ...note, tooDear: reason },
  );
}

function newJob(endpoint: string, { seed }: Ledger, { endpoints, nowMs }: Surroundings): Job {
  const usd = priceOf(endpoint, endpoints);
  return {
    ...{ key: endpoint, endpoint, seed, since: nowMs, fate: 'open', money: { kind: 'committed', usd } },
    ...{ trace: { phase: 'none' }, notBefore: 0, ownLosses: 0, hangs: 0 },
  };
}

function called(
  ledger: Ledger,
  { endpoint, key }: Extract<SlotEvent, { kind: 'called' }>,
  around: Surroundings,
): Ledger {
  const isRace = ledger.jobs.some(isCalling);
  const job: Job = {
    ...newJob(endpoint, ledger, around),
    ...{ key, callingSince: around.nowMs, ...(isRace && { isRival: true }) },
  };
  const before = isRace
    ? withJobs(ledger, isCalling, (slow) => ({ ...slow, wasRaced: true }))
    : ledger.jobs.filter(isOpen).reduce(paidBeside, ledger);
  const counted = withNote(before, endpoint, (note) => ({ ...note, jobs: note.jobs + 1 }));
  return { ...counted, jobs: [...counted.jobs, job], calls: ledger.calls + 1 };
}

/** What is paid beside an open job may be paid twice: it is looked for once more before the next payment. */
function paidBeside(ledger: Ledger, { key, endpoint }: Job): Ledger {
  const after = withJob(ledger, key, (job) => ({ ...booked(job), notBefore: 0 }));
  return withNote(after, endpoint, (note) => ({ ...note, hadItsTurn: false }));
}

function ended(
  ledger: Ledger,
  { key, outcome, attempt }: Extract<SlotEvent, { kind: 'ended' }>,
  around: Surroundings,
): Ledger {
  const job = jobOf(ledger, key);
  const idle = { ...job, callingSince: undefined, isStopping: undefined, attempt: attempt ?? job.attempt };
  switch (outcome.kind) {
    case 'made':
      return made(ledger, idle, outcome, around);
    case 'stopped':
      return stopped(ledger, idle, outcome, around);
    case 'failed':
      return failed({ ...ledger, reason: outcome.message }, idle, outcome, around);
  }
}

function made(
  ledger: Ledger,
  job: Job,
  { money, problem }: Extract<Outcome, { kind: 'made' }>,
  around: Surroundings,
): Ledger {
  const isLate = isDecided(ledger);
  const isGood = problem === undefined && !isLate;
  const after = over(ledger, { ...job, fate: isGood ? 'made' : 'ended', money }, around);
  if (isLate || problem === undefined) return after;
  const wasteful = { ...after, isWasteful: true };
  if (problem.code === 'incoherent') return withNote(wasteful, job.endpoint, pass);
  if (ledger.refills < around.rules.maxRefills) return refill(wasteful);
  return { ...wasteful, twin: { code: 'duplicate', message: problem.message, endpoint: job.endpoint } };
}

/** The clean-up goes on asking for a job of which nobody said that it is over. */
function stopped(
  ledger: Ledger,
  job: Job,
  { money, trace }: Extract<Outcome, { kind: 'stopped' }>,
  around: Surroundings,
): Ledger {
  if (isFindable(trace)) return withJob(ledger, job.key, () => ({ ...job, trace }));
  return over(ledger, { ...job, trace, money, fate: money.kind === 'at_risk' ? 'lost' : 'ended' }, around);
}

function failed(ledger: Ledger, job: Job, outcome: Failed, around: Surroundings): Ledger {
  const { word, code, trace } = outcome;
  const noted = withNote(ledger, job.endpoint, (note) => ({
    ...note,
    failures: [...note.failures, code],
    outage: outageOf(outcome, endpointOf(job, around)) ?? (note.outage === 'down' ? 'down' : undefined),
  }));
  const fate = fateAfter(outcome);
  if (fate === 'open') return stillOpen(noted, job, outcome, around);
  const isUnsent = word === 'nothing_sent' && job.trace.phase === 'none';
  const money = moneyAfter(job, outcome);
  // Nobody knows of it, or nobody can fetch what it may have made.
  const needsPermission = around.rules.isOnHold && (fate === 'lost' || word === 'gone');
  const closed: Job = {
    ...job,
    fate,
    money,
    trace,
    failure: code,
    ...(needsPermission && { permission: 'needed' }),
  };
  if (needsPermission) return over(noted, closed, around);
  return afterJob(isUnsent ? unsent(noted, job) : over(noted, closed, around), closed, outcome, around);
}

/** The next job may have its key. */
function unsent(ledger: Ledger, { key, endpoint }: Job): Ledger {
  return withNote(withoutJob(ledger, key), endpoint, (note) => ({ ...note, jobs: note.jobs - 1 }));
}

/** There was no way to the provider at all, so that it costs nothing to ask again the moment there is one. */
function outageOf({ code, word, trace }: Failed, { isOneOfMany }: Endpoint): EndpointNote['outage'] {
  if (code === 'provider_down') return 'down';
  if (word !== 'nothing_sent' && !isFindable(trace)) return undefined;
  const isUnwell = code === 'provider_unwell' && !isOneOfMany;
  return isUnwell || failureOf(code).outage === 'way' ? 'unreached' : undefined;
}

/** Where the way back to it is known it is open, whatever a call that could not use it says. */
function fateAfter({ word, code, trace }: Failed): Fate {
  if (isFindable(trace)) return 'open';
  // The process that made the call may still know, until it says that it does not.
  if (trace.phase === 'intent') return code === 'outcome_unknown' ? 'lost' : 'open';
  switch (word) {
    case 'nothing_sent':
    case 'ended_free':
    case 'ended_billed':
    case 'useless':
    case 'gone':
      return 'ended';
    case 'nobody_knows':
    case 'still_there':
    case 'unreachable':
      return 'lost';
    default:
      return word satisfies never;
  }
}

function moneyAfter(job: Job, { word, money }: Failed): Money {
  return word === 'nothing_sent' || word === 'ended_free' ? free : (money ?? atRisk(job.money));
}

/** It may still give its result: it is asked for again. */
function stillOpen(ledger: Ledger, job: Job, outcome: Failed, around: Surroundings): Ledger {
  const { code, trace, worker = job.worker, tookMs, retryAfterMs = 0 } = outcome;
  const { rules, nowMs } = around;
  const { answeredBy, outage, class: failureClass, askAgain } = failureOf(code);
  const isOurs = answeredBy === 'us' && outage === 'none' && failureClass === 'transient';
  const wasHeard = code === 'not_found_yet' || (answeredBy !== 'us' && tookMs > longCallMs);
  const inVainSince = wasHeard ? undefined : job.inVainSince;
  const backoffMs = askAgain === 'at_once' ? 0 : backoffOf(ledger, job, around);
  const waitMs = ledger.question === undefined ? Math.max(backoffMs, retryAfterMs) : rules.parking.maximumMs;
  const after: Job = {
    ...{ ...job, trace, worker, failure: code, notBefore: nowMs + waitMs },
    inVainSince: isOurs || code === 'not_found_yet' ? inVainSince : (inVainSince ?? nowMs),
    ownLosses: isOurs ? job.ownLosses + 1 : 0,
    hangs: job.hangs + (code === 'deadline_exceeded' ? 1 : 0),
  };
  const hadItsTurn =
    askAgain === 'next_round' || after.ownLosses > mostOwnLosses || isOverdue(after, rules, nowMs);
  const noted = withNote(ledger, job.endpoint, (note) => ({ ...note, hadItsTurn }));
  return withJob(noted, job.key, () => after);
}

/** What follows for the endpoint from a job that is over. */
function afterJob(ledger: Ledger, job: Job, outcome: Failed, around: Surroundings): Ledger {
  const { code, message, word, retryAfterMs = 0 } = outcome;
  const { class: failureClass, isPictureUnusable } = failureOf(code);
  const { endpoint } = job;
  if (finalFailureClasses.includes(failureClass)) {
    return { ...ledger, refusal: { code: failureClass, message, endpoint } };
  }
  // A race is a favour: it takes no turn.
  if (word === 'nothing_sent' && job.isRival === true) return ledger;
  const isPaid = word !== 'nobody_knows' && wasteOf(job, around.endpoints) === 1;
  const after = { ...ledger, isWasteful: ledger.isWasteful || isPaid };
  if (word === 'nobody_knows' && code !== 'outcome_unknown') return doubted(after, job, around);
  const isWorth = isWorthAnotherTry(ledger, job, outcome, around);
  if (failureClass === 'corrupt' && word !== 'nothing_sent') {
    if (ledger.refills >= around.rules.maxRefills)
      return withNote(after, endpoint, (note) => ({ ...pass(note), isSpoiled: isPictureUnusable }));
    if (isPictureUnusable) return refill(after);
    if (isWorth) after.refills += 1;
  }
  const waitMs = Math.max(backoffOf(ledger, job, around), retryAfterMs);
  return withNote(after, endpoint, (note) => ({
    ...note,
    hadItsTurn: !isWorth && code !== 'outcome_unknown',
    notBefore: isWorth && code !== 'never_accepted' ? around.nowMs + waitMs : note.notBefore,
  }));
}

/** Something between us and the provider answered: the job may have been taken, and paid, all the same. */
function doubted(ledger: Ledger, job: Job, around: Surroundings): Ledger {
  const { rules, nowMs, deadlineMs, endpoints } = around;
  const { provider, retry } = endpointOf(job, around);
  const times = Object.values(ledger.doubts).reduce((sum, { count }) => sum + count, 1);
  const waitMs = Math.min(
    rules.parking.initialMs * doubtfulWaitFactor ** (times - 1),
    longestDoubtfulWait * rules.parking.maximumMs,
    // A wait that takes the rest of the job's time would be its end.
    (deadlineMs - nowMs) / 2,
  );
  const count = (ledger.doubts[provider]?.count ?? 0) + 1;
  const doubts = { ...ledger.doubts, [provider]: { count, until: nowMs + Math.ceil(waitMs) } };
  // After the first round one submit in doubt is enough for a round.
  const passed = endpoints.filter((one) => ledger.round > 1 || one.provider === provider);
  const after = passed.reduce((all, { id }) => withNote(all, id, pass), ledger);
  return { ...after, doubts, momentEndsAt: nowMs + retry.initialMs };
}

/** Another provider is better than a long wait, and than the same broken answer or silence for the third time. */
function isWorthAnotherTry(
  ledger: Ledger,
  job: Job,
  { code, word, retryAfterMs = 0 }: Failed,
  around: Surroundings,
): boolean {
  const { failures } = noteOf(ledger, job.endpoint);
  const { retry } = endpointOf(job, around);
  if (failures.length >= retry.maximumAttempts || retryAfterMs > retry.maximumMs) return false;
  const { askAgain } = failureOf(code);
  if (askAgain === 'at_once' && word === 'nothing_sent') return true;
  // Temporal has repeated what sent nothing as often as the policy allows.
  if (ledger.round > 1 || word === 'nothing_sent' || askAgain !== 'after_pause') return false;
  return failures.filter((other) => isAlike(code, other)).length < 2;
}

/** Two broken answers, or two silences, are enough at one provider. */
function isAlike(code: FailureCode, other: FailureCode): boolean {
  if (failureOf(code).class === 'corrupt') return failureOf(other).class === 'corrupt';
  return other === 'deadline_exceeded' || other === 'no_answer';
}

/** Begins the slot anew with another seed. */
function refill(ledger: Ledger): Ledger {
  return { ...ledger, refills: ledger.refills + 1, seed: (ledger.seed + seedStride) % 2 ** 32 };
}

/**
 * A look may have settled the question, unless a person has answered it: an answer is obeyed. Then every candidate has its
 * turn again.
 */
function afterLook(ledger: Ledger, key: string, { nowMs, deadlineMs }: Surroundings): Ledger {
  const { question } = ledger;
  if (question === undefined) return ledger;
  const job = ledger.jobs.find((one) => one.key === question.key);
  const isSettled = job === undefined || !(isOpen(job) || job.permission === 'needed');
  if (isSettled && question.answer === undefined) return beginRound({ ...ledger, question: undefined });
  const isLast = question.answer !== undefined || nowMs >= deadlineMs;
  return isLast ? { ...ledger, question: { ...question, looked: [...question.looked, key] } } : ledger;
}

/** While a person thinks, open jobs are asked for now and then, and what they cost is at risk. */
function asked(ledger: Ledger, key: string, { rules, nowMs }: Surroundings): Ledger {
  const notBefore = nowMs + rules.parking.maximumMs;
  const after = withJobs(ledger, isOpen, (job) => ({ ...booked(job), notBefore }));
  const { endpoint } = jobOf(ledger, key);
  return { ...after, question: { key, endpoint, since: nowMs, looked: [] } };
}

function goOn(ledger: Ledger, { rules, nowMs }: Surroundings): Ledger {
  const { question } = ledger;
  const isGivenUp = (job: Job): boolean =>
    isOpen(job) && (job.key === question?.key || isOverdue(job, rules, nowMs));
  const jobs = ledger.jobs.map((job): Job => {
    if (isGivenUp(job)) return { ...giveUp(job, nowMs), permission: 'given' };
    return job.permission === 'needed' ? { ...job, permission: 'given' } : job;
  });
  return beginRound({ ...ledger, jobs, question: undefined });
}

function beginRound(ledger: Ledger): Ledger {
  const endpoints = Object.fromEntries(
    Object.entries(ledger.endpoints).map(([id, { jobs, notBefore, isSpoiled }]): [string, EndpointNote] => [
      id,
      { jobs, failures: [], hadItsTurn: false, notBefore, isSpoiled },
    ]),
  );
  // Open jobs come first: another one may be paid only after one more look at each.
  const after = withJobs(ledger, isOpen, (job) => ({ ...job, notBefore: 0 }));
  return { ...after, endpoints, round: ledger.round + 1, waitsUntil: undefined, isWasteful: false };
}

function woken(ledger: Ledger, byPerson: boolean, nowMs: number): Ledger {
  const sooner = <T extends { notBefore: number }>(one: T): T => ({
    ...one,
    notBefore: Math.min(one.notBefore, nowMs),
  });
  const doubts = Object.entries(ledger.doubts).map(([name, doubt]) => [name, { ...doubt, until: 0 }]);
  const endpoints = Object.entries(ledger.endpoints).map(([id, note]) => [id, sooner(note)]);
  return {
    ...withJobs(ledger, isOpen, sooner),
    endpoints: Object.fromEntries(endpoints) as Ledger['endpoints'],
    ...(ledger.waitsUntil !== undefined && { waitsUntil: nowMs }),
    ...(byPerson && { isUrged: true, doubts: Object.fromEntries(doubts) as Ledger['doubts'] }),
  };
}

/** What nobody can find is lost for the clean-up as well. */
function giveUp(job: Job, nowMs: number): Job {
  const fate = isFindable(job.trace) ? 'given_up' : 'lost';
  return { ...booked(job), fate, givenUpAt: nowMs };
}

function booked(job: Job): Job {
  return { ...job, money: atRisk(job.money) };
}

/** The job is over. One that cost nothing leaves no trace but its key, unless its attempt was shown as at risk. */
function over(ledger: Ledger, job: Job, { endpoints }: Surroundings): Ledger {
  const { key, endpoint, fate, money, permission, isRival } = job;
  const isNoted = permission !== undefined || isRival === true || jobOf(ledger, key).money.kind === 'at_risk';
  if (fate === 'made' || isNoted) return withJob(ledger, key, () => job);
  if (money.kind === 'free') return withoutJob(ledger, key);
  const isSmall = money.kind === 'cost' && isSmallCost(money.usd, priceOf(endpoint, endpoints));
  return isSmall ? addUp(ledger, job, money) : withJob(ledger, key, () => job);
}

/** An outage of a day may end hundreds of jobs for next to nothing: one of them stands for those of its attempt. */
function addUp(ledger: Ledger, job: Job, money: Extract<Money, { kind: 'cost' }>): Ledger {
  const { key, endpoint, attempt } = job;
  const sum = ledger.jobs.find((one) => one.isSum && one.endpoint === endpoint && one.attempt === attempt);
  const before = sum?.money.kind === 'cost' ? sum.money.usd : 0;
  const rest = sum === undefined ? ledger : withoutJob(ledger, sum.key);
  return withJob(rest, key, () => ({ ...job, money: { ...money, usd: before + money.usd }, isSum: true }));
}

function pass(note: EndpointNote): EndpointNote {
  return { ...note, hadItsTurn: true };
}

function endpointOf({ endpoint }: Job, { endpoints }: Surroundings): Endpoint {
  return known(endpoints.find(({ id }) => id === endpoint));
}

function backoffOf(ledger: Ledger, job: Job, around: Surroundings): number {
  const { initialMs, coefficient, maximumMs } = endpointOf(job, around).retry;
  const { failures } = noteOf(ledger, job.endpoint);
  return Math.min(initialMs * coefficient ** (failures.length - 1), maximumMs);
}

function withJob(ledger: Ledger, key: string, change: (job: Job) => Job): Ledger {
  return withJobs(ledger, (job) => job.key === key, change);
}

function withJobs(ledger: Ledger, which: (job: Job) => boolean, change: (job: Job) => Job): Ledger {
  return { ...ledger, jobs: ledger.jobs.map((job) => (which(job) ? change(job) : job)) };
}

function withoutJob(ledger: Ledger, key: string): Ledger {
  return { ...ledger, jobs: ledger.jobs.filter((job) => job.key !== key) };
}

function withNote(ledger: Ledger, id: string, change: (note: EndpointNote) => EndpointNote): Ledger {
  return { ...ledger, endpoints: { ...ledger.endpoints, [id]: change(noteOf(ledger, id)) } };
}
