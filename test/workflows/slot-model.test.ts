import type { DispatchState } from '../../src/domain/dispatch';
import { apply, type Outcome, type SlotEvent } from '../../src/workflows/slot/rules/apply';
import { emptyLedger, type Ledger, type Money } from '../../src/domain/ledger';
import {
  committedUsd,
  costUsd,
  hasRaced,
  isCalling,
  isOpen,
  isOverdue,
  noteOf,
  wastedJobs,
  type Endpoint,
  type Rules,
} from '../../src/workflows/slot/rules/ledger';
import {
  mayPay,
  next,
  rows,
  type Facts,
  type Row,
  type Situation,
  type Step,
} from '../../src/workflows/slot/rules/next';

/**
 * All ways a slot can go, up to a depth, tried one by one. Time is counted in seconds: retries after 1, 2 and 4, rounds after
 * 15 and 30, grace 30, slow after 5, deadline 200.
 */
const second = 1;
const deadline = 200 * second;

const handle: DispatchState = { phase: 'accepted', handle: {} };
const clue: DispatchState = { phase: 'intent', clue: {} };
const blind: DispatchState = { phase: 'intent' };
const none: DispatchState = { phase: 'none' };

function failed(
  code: Extract<Outcome, { kind: 'failed' }>['code'],
  word: Extract<Outcome, { kind: 'failed' }>['word'],
  trace: DispatchState = none,
  more: { money?: Money; retryAfterMs?: number } = {},
): Outcome {
  return { kind: 'failed', code, message: code, word, trace, tookMs: 1, ...more };
}

const cost: Money = { kind: 'cost', usd: 1 };

/** One of every class of outcome, for a submit and for a look at an open job. */
const outcomes: Record<string, Outcome> = {
  picture: { kind: 'made', money: cost },
  'a twin': { kind: 'made', money: cost, problem: { code: 'duplicate', message: 'duplicate' } },
  'a picture of another engine': {
    kind: 'made',
    money: cost,
    problem: { code: 'incoherent', message: 'incoherent' },
  },
  'no connection': failed('connection_refused', 'nothing_sent'),
  busy: failed('rate_limited', 'nothing_sent', none, { retryAfterMs: 3 }),
  'known down': failed('provider_down', 'nothing_sent'),
  'bad request': failed('bad_request', 'nothing_sent'),
  'refused content': failed('media_censored', 'ended_billed', none, { money: cost }),
  'failed, unbilled': failed('runner_scheduling_failure', 'ended_free'),
  'failed, billed': failed('generation_failed', 'ended_billed'),
  'refused, for next to nothing': failed('nodes_not_loaded', 'ended_billed', none, {
    money: { kind: 'cost', usd: 0.01 },
  }),
  'a black picture': failed('media_blank', 'useless', none, { money: cost }),
  'no picture at all': failed('media_not_media', 'useless', none, { money: cost }),
  'still there': failed('status_unknown', 'still_there', handle),
  'busy, open': failed('rate_limited', 'still_there', handle, { retryAfterMs: 50 }),
  'cannot be reached': failed('connection_refused', 'unreachable', handle),
  'known down, open': failed('provider_down', 'nothing_sent', handle),
  'not listed yet': failed('not_found_yet', 'nobody_knows', clue),
  'took its whole time': failed('deadline_exceeded', 'still_there', handle),
  'the worker went': failed('activity_timed_out', 'still_there', handle),
  'the worker went, blind': failed('activity_timed_out', 'nobody_knows', blind),
  'nobody knows': failed('outcome_unknown', 'nobody_knows', blind),
  'a gateway answered': failed('bad_gateway', 'nobody_knows'),
  'the result is gone': failed('result_lost', 'gone'),
  'never accepted': failed('never_accepted', 'nothing_sent'),
};

const stops: Record<string, Outcome> = {
  'stopped, free': { kind: 'stopped', money: { kind: 'free' }, trace: none },
  'stopped, billed': { kind: 'stopped', money: cost, trace: none },
  'stopped, nobody knows': { kind: 'stopped', money: { kind: 'at_risk', usd: 1 }, trace: none },
  'stopped, still to be found': { kind: 'stopped', money: { kind: 'committed', usd: 1 }, trace: handle },
};

const retry = { initialMs: 1, coefficient: 2, maximumMs: 4, maximumAttempts: 3 };
const common = { priceUsd: 1, slowAfterMs: 5, retry, isOneOfMany: false };
const candidates: readonly Endpoint[] = [
  { id: 'a', provider: 'modal', ...common },
  { id: 'b', provider: 'fal', ...common },
  { id: 'c', provider: 'comfyui', ...common },
];

interface Setting {
  endpoints: readonly Endpoint[];
  rules: Rules;
  /** Default: the real one. */
  table?: readonly Row[];
}

/** The world beside the ledger. */
interface World {
  nowMs: number;
  isCancelled: boolean;
  /** Providers that asked to be left alone, epoch s. */
  closed: Record<string, number>;
  /** The caller's limit has to be asked. */
  asksForMoney: boolean;
  /** The set must not mix engines: by model id, the one that made its first picture. `open`: none yet. */
  engine?: string | undefined;
  /** A person gave the slot up. */
  isGivenUp?: boolean | undefined;
}

interface State {
  ledger: Ledger;
  world: World;
  /** What was done last, with the ledger it was done on: nothing may be done twice for nothing. */
  last?: { step: string; ledger: string } | undefined;
}

interface Move {
  says: string;
  to(): State;
}

class Story extends Error {}

function situationOf({ ledger, world }: State, { endpoints, rules }: Setting): Situation {
  const facts: Facts = {
    nowMs: world.nowMs,
    deadlineMs: deadline,
    isCancelled: world.isCancelled,
    fitsSet: ({ id }) =>
      world.engine === undefined || world.engine === 'open' || world.engine === id ? 'yes' : 'never',
    affords: () => (world.asksForMoney ? 'ask' : 'yes'),
    closedUntil: ({ id }) => world.closed[id] ?? 0,
  };
  return { ledger, endpoints, rules, facts };
}

/** Takes the step the table says, where the table alone decides; else the moves of the world. */
function movesOf(state: State, setting: Setting): Move[] {
  const { row, step } = next(situationOf(state, setting), setting.table);
  check(state, setting, step);
  const did = (event: SlotEvent): Move[] => [
    { says: `${row.when}: ${stepText(step)}`, to: () => after(state, setting, event, step) },
  ];
  switch (step.kind) {
    case 'submit': {
      const { jobs } = noteOf(state.ledger, step.endpoint);
      const key = `${step.endpoint}${String(jobs + 1)}`;
      return did({ kind: 'called', endpoint: step.endpoint, key });
    }
    case 'ask_limit':
      return [
        { says: 'the limit allows it', to: () => inWorld(state, { asksForMoney: false }) },
        ...did({ kind: 'too_dear', endpoint: step.endpoint, reason: 'limit' }),
        ...did({ kind: 'too_dear', endpoint: step.endpoint }),
      ];
    case 'look':
      return did({ kind: 'looked', key: step.key });
    case 'stop':
      return did({ kind: 'stopping', key: step.key });
    case 'park':
      return did({ kind: 'parked', until: step.until });
    case 'begin_round':
      return did({ kind: 'round_began' });
    case 'ask_person':
      return did({ kind: 'asked', key: step.key });
    case 'go_on':
      return did({ kind: 'went_on' });
    case 'wait':
      return waiting(state, setting, step.until);
    case 'end':
      return [];
  }
}

/** What may happen while the slot waits. */
function waiting(state: State, setting: Setting, until: number): Move[] {
  const { ledger, world } = state;
  const moves: Move[] = [];
  const happens = (says: string, event: SlotEvent, to = state): void => {
    moves.push({ says, to: () => after(to, setting, event) });
  };
  for (const job of ledger.jobs.filter(isCalling)) {
    const isLook = job.trace.phase !== 'none';
    for (const [says, outcome] of Object.entries(job.isStopping === true ? stops : outcomes)) {
      if (!isLook && says === 'never accepted') continue;
      happens(`${job.key}: ${says}`, { kind: 'ended', key: job.key, outcome });
    }
  }
  if (until < Infinity) moves.push({ says: 'time goes by', to: () => inWorld(state, { nowMs: until }) });
  if (world.engine === 'open')
    moves.push({ says: 'another slot makes the set by b', to: () => inWorld(state, { engine: 'b' }) });
  if (!world.isCancelled)
    moves.push({ says: 'the caller cancels', to: () => inWorld(state, { isCancelled: true }) });
  if (ledger.waitsUntil !== undefined) happens('the watch wakes it', { kind: 'woken', byPerson: false });
  if (ledger.question !== undefined && ledger.question.answer === undefined) {
    happens('a person says resubmit', { kind: 'answered', answer: 'resubmit' });
    happens(
      'a person gives it up',
      { kind: 'answered', answer: 'give_up' },
      inWorld(state, { isGivenUp: true }),
    );
  }
  return moves;
}

function after(state: State, { endpoints, rules }: Setting, event: SlotEvent, step?: Step): State {
  const around = { endpoints, rules, nowMs: state.world.nowMs, deadlineMs: deadline };
  const ledger = apply(state.ledger, event, around);
  checkBill(state.ledger, ledger, event);
  return {
    ...state,
    ledger,
    world: worldAfter(state, event),
    last: step && { step: JSON.stringify(step), ledger: JSON.stringify(state.ledger) },
  };
}

/** Whatever becomes of a job, what it cost stays on the bill, once. */
function checkBill(before: Ledger, ledger: Ledger, event: SlotEvent): void {
  const money = event.kind === 'ended' ? event.outcome.money : undefined;
  const billed = money?.kind === 'cost' ? money.usd : 0;
  if (Math.abs(costUsd(ledger) - costUsd(before) - billed) > 1e-9)
    throw new Story('what a job cost stays on the bill, once');
}

/** A provider that asks one call to stay away means all of them. */
function worldAfter({ ledger, world }: State, event: SlotEvent): World {
  if (event.kind !== 'ended' || event.outcome.kind !== 'failed') return world;
  const { retryAfterMs, trace } = event.outcome;
  const endpoint = ledger.jobs.find(({ key }) => key === event.key)?.endpoint;
  if (retryAfterMs === undefined || trace.phase !== 'none' || endpoint === undefined) return world;
  return { ...world, closed: { ...world.closed, [endpoint]: world.nowMs + retryAfterMs } };
}

function inWorld(state: State, change: Partial<World>): State {
  return { ...state, world: { ...state.world, ...change }, last: undefined };
}

function stepText(step: Step): string {
  return Object.values(step).join(' ');
}

/** What must hold in every state, and before every step. */
function check(state: State, setting: Setting, step: Step): void {
  const { ledger, world, last } = state;
  const { rules } = setting;
  const situation = situationOf(state, setting);
  const must = (isSo: boolean, promise: string): void => {
    if (!isSo) throw new Story(promise);
  };
  const open = ledger.jobs.filter(isOpen);
  const isRace = ledger.jobs.some(isCalling);
  must(
    !(last?.step === JSON.stringify(step) && last.ledger === JSON.stringify(ledger)),
    'no step twice without a change',
  );
  must(
    ledger.jobs.every((job) => isOpen(job) || job.money.kind !== 'committed'),
    'a job that is over has a figure',
  );
  const wasted = wastedJobs(
    ledger.jobs.filter(({ permission }) => permission !== 'given'),
    setting.endpoints,
  );
  must(committedUsd(ledger) >= wasted - 1e-9, 'what was wasted is counted');
  if (step.kind === 'wait') must(step.until > world.nowMs, 'never waits for what has passed');
  if (step.kind === 'submit' || step.kind === 'ask_limit') {
    const note = noteOf(ledger, step.endpoint);
    must(!note.isSpoiled && !note.hadItsTurn, 'never asks an endpoint that is out of the round');
    must(
      situation.facts.fitsSet(setting.endpoints.find(({ id }) => id === step.endpoint)!) === 'yes',
      'never asks an endpoint that would mix engines',
    );
    must(
      (world.closed[step.endpoint] ?? 0) <= world.nowMs,
      'never asks a provider that wants to be left alone',
    );
    must(world.nowMs < deadline, 'pays nothing after the deadline');
    must(!world.isCancelled, 'pays nothing after a cancel');
    must(world.isGivenUp !== true, 'pays nothing after a person gave it up');
    must(!ledger.jobs.some(({ fate }) => fate === 'made'), 'pays nothing when the picture is there');
    must(wasted < rules.maxPaid, 'pays no more than the limit for nothing');
    if (isRace) must(rules.mayHedge && !hasRaced(ledger), 'a second call is a race the caller allows, once');
    else must(open.length === 0 || mayPay(situation), 'no second paid job beside an open one');
    if (rules.isOnHold && !isRace) {
      must(open.length === 0, 'on hold nothing is paid beside an open job');
      must(
        !ledger.jobs.some((job) => job.permission === 'needed'),
        'on hold nothing is paid after a lost job without a word',
      );
    }
    if (!rules.isOnHold && !isRace) {
      must(
        open.every((job) => isOverdue(job, rules, world.nowMs)),
        'another is paid only when the first is overdue',
      );
    }
  }
  if (ledger.question?.answer === 'give_up' && !isRace) {
    must(step.kind === 'look' || step.kind === 'end', 'a person who gives it up is obeyed at once');
  }
  if (step.kind === 'end') {
    must(!isRace, 'never ends with a call under way');
    const closed = apply(
      ledger,
      { kind: 'closed' },
      { ...setting, nowMs: world.nowMs, deadlineMs: deadline },
    );
    must(!closed.jobs.some(isOpen), 'an end leaves no open job that nobody settles');
    must(
      (step.as === 'completed') === ledger.jobs.some(({ fate }) => fate === 'made'),
      'completed means a picture',
    );
  }
}

/** Times as they are seen from now, so that states that differ only in their past are one. What only people read is left out. */
function fingerprint({ ledger, world }: State): string {
  const { nowMs } = world;
  return JSON.stringify({ ledger, world }, (key, value: unknown) => {
    if (['since', 'givenUpAt', 'calls', 'reason', 'message'].includes(key)) return undefined;
    if (typeof value !== 'number') return value;
    if (['notBefore', 'until', 'waitsUntil', 'momentEndsAt'].includes(key)) return Math.max(0, value - nowMs);
    if (['inVainSince', 'callingSince'].includes(key)) return Math.min(nowMs - value, rules.graceMs);
    return value;
  });
}

interface Explored {
  states: number;
  ends: Map<string, number>;
}

/** Breadth first, so that the story of a broken promise is the shortest. */
function explore(
  setting: Setting,
  depth: number,
  around: Partial<World> = {},
  ledger = emptyLedger(0),
): Explored {
  const start: State = {
    ledger,
    world: { nowMs: 0, isCancelled: false, closed: {}, asksForMoney: false, ...around },
  };
  const seen = new Set([fingerprint(start)]);
  const ends = new Map<string, number>();
  const ending = new Set<string>();
  let frontier: { state: State; story: readonly string[]; choices: number }[] = [
    { state: start, story: [], choices: 0 },
  ];
  while (frontier.length > 0) {
    const following: typeof frontier = [];
    for (const { state, story, choices } of frontier) {
      const moves = told(story, () => movesOf(state, setting));
      told(story, () => {
        endsByItself(state, setting, ending);
      });
      if (moves.length === 0) {
        const { step } = next(situationOf(state, setting), setting.table);
        ends.set(stepText(step), (ends.get(stepText(step)) ?? 0) + 1);
      }
      const spent = choices + (moves.length > 1 ? 1 : 0);
      for (const { says, to } of spent > depth ? [] : moves) {
        const reached = told(story, to);
        const print = fingerprint(reached);
        if (seen.has(print)) continue;
        seen.add(print);
        following.push({ state: reached, story: [...story, says], choices: spent });
      }
    }
    frontier = following;
  }
  return { states: seen.size, ends };
}

/**
 * Whatever happened: with calls that give nothing, and time that goes by, every slot ends.
 *
 * @param ending states of which that is known
 */
function endsByItself(from: State, setting: Setting, ending: Set<string>): void {
  const way: string[] = [];
  const passed = new Set<string>();
  for (let state = from; ;) {
    const print = fingerprint(state);
    if (ending.has(print)) break;
    if (passed.has(print)) throw new Story('every slot ends by itself');
    way.push(print);
    passed.add(print);
    const moves = movesOf(state, setting);
    if (moves.length === 0) break;
    const idle = moves.find(({ says }) => says === 'time goes by' || says === 'the limit allows it');
    const nothing = moves.find(({ says }) => /: (stopped, free|known down, open|no connection)$/.test(says));
    state = (nothing ?? idle ?? moves[0]!).to();
  }
  for (const print of way) ending.add(print);
}

function told<T>(story: readonly string[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    const promise = error instanceof Error ? error.message : String(error);
    throw new Story(
      [`broken: ${promise}`, ...story.map((line, index) => `${String(index + 1)}. ${line}`)].join('\n'),
    );
  }
}

const rules: Rules = {
  ...{ isOnHold: false, mayHedge: false, maxRefills: 1, maxPaid: 3, graceMs: 30 },
  parking: { initialMs: 15, coefficient: 2, maximumMs: 30 },
};

describe('every way a slot can go', () => {
  it.each<[string, number, Partial<Rules>, Partial<World>, number]>([
    ['one candidate', 1, {}, {}, 4],
    ['one candidate on hold', 1, { isOnHold: true }, {}, 4],
    ['two candidates', 2, {}, {}, 4],
    ['two candidates on hold', 2, { isOnHold: true }, {}, 4],
    ['two candidates, with a limit', 2, {}, { asksForMoney: true }, 4],
    ['two candidates of a set that must not mix engines', 2, {}, { engine: 'open' }, 3],
    ['two candidates that may race', 2, { mayHedge: true }, {}, 3],
    ['two candidates that may race, with a limit', 2, { mayHedge: true }, { asksForMoney: true }, 4],
    ['two candidates that may race on hold', 2, { mayHedge: true, isOnHold: true }, {}, 3],
    ['three candidates', 3, {}, {}, 3],
    ['three candidates that may race on hold', 3, { mayHedge: true, isOnHold: true }, {}, 3],
  ])('keeps the promises: %s', (name, count, own, around, depth) => {
    const setting = { endpoints: candidates.slice(0, count), rules: { ...rules, ...own } };
    const { states, ends } = explore(setting, depth, around);
    process.stderr.write(`${name}: ${String(states)} states, ends ${JSON.stringify([...ends])}\n`);
    expect(states).toBeGreaterThan(1000);
  });
});

/** Both calls of a race lost their connection, the second one later. */
function afterLostRace(setting: Setting): Ledger {
  const lost = outcomes['cannot be reached']!;
  const story: [number, SlotEvent][] = [
    [0, { kind: 'called', endpoint: 'a', key: 'a1' }],
    [5, { kind: 'called', endpoint: 'b', key: 'b1' }],
    [6, { kind: 'ended', key: 'a1', outcome: lost }],
    [16, { kind: 'ended', key: 'b1', outcome: lost }],
  ];
  return story.reduce(
    (ledger, [nowMs, event]) => apply(ledger, event, { ...setting, nowMs, deadlineMs: deadline }),
    emptyLedger(0),
  );
}

describe('every way a slot can go after both calls of a race lost their connection', () => {
  it.each([{}, { isOnHold: true }])('keeps the promises: %j', (own) => {
    const setting = { endpoints: candidates, rules: { ...rules, mayHedge: true, ...own } };
    const { states } = explore(setting, 4, { nowMs: 16 }, afterLostRace(setting));
    expect(states).toBeGreaterThan(1000);
  });
});

/** The table without a row, or with another one in its place. */
function broken(when: string, instead?: Row['step']): readonly Row[] {
  const index = rows.findIndex((row) => row.when === when);
  if (index < 0) throw new Error(`no row "${when}"`);
  return instead === undefined
    ? rows.toSpliced(index, 1)
    : rows.toSpliced(index, 1, { ...rows[index]!, step: instead });
}

describe('a table with a broken row', () => {
  it.each<[string, readonly Row[], Partial<Rules>]>([
    ['a call is under way', broken('a call is under way'), {}],
    ['the deadline is over', broken('the deadline is over'), {}],
    ['too many jobs were paid for nothing', broken('too many jobs were paid for nothing'), {}],
    [
      'on hold, nobody can find out about a job that may be paid',
      broken('on hold, nobody can find out about a job that may be paid'),
      { isOnHold: true },
    ],
    [
      'a person answered, or the deadline passed while a person is asked',
      broken(
        'a person answered, or the deadline passed while a person is asked',
        ({ ledger: { question } }) => (question?.answer === undefined ? undefined : { kind: 'go_on' }),
      ),
      { isOnHold: true },
    ],
    [
      'a candidate has its turn',
      broken('a candidate has its turn', ({ endpoints }) => ({ kind: 'submit', endpoint: endpoints[0]!.id })),
      {},
    ],
  ])('is found out, with the shortest story: %s', (_when, table, own) => {
    const setting = { endpoints: candidates.slice(0, 2), rules: { ...rules, ...own }, table };
    let story = '';
    try {
      explore(setting, 4);
    } catch (error) {
      story = error instanceof Story ? error.message : `no story: ${String(error)}`;
    }
    expect(story).toMatchSnapshot();
    expect(story).toMatch(/^broken: /);
  });
});
