import type { DispatchState } from '../../src/domain/dispatch';
import { emptyLedger, type Ledger, type Money } from '../../src/domain/ledger';
import { apply, type Outcome, type SlotEvent } from '../../src/workflows/slot/rules/apply';
import { atRiskUsd, costUsd, type Endpoint, type Rules } from '../../src/workflows/slot/rules/ledger';
import { next, type Facts, type Step } from '../../src/workflows/slot/rules/next';

/** What went wrong once, or nearly did: single stories, as events and the step that must follow. Times are seconds. */
const retry = { initialMs: 1, coefficient: 2, maximumMs: 4, maximumAttempts: 3 };
const common = { priceUsd: 1, slowAfterMs: 5, retry, isOneOfMany: false };
const endpoints: readonly Endpoint[] = [
  { id: 'a', provider: 'modal', ...common },
  { id: 'b', provider: 'fal', ...common },
];
const rules: Rules = {
  ...{ isOnHold: false, mayHedge: true, maxRefills: 0, maxPaid: 3, graceMs: 30 },
  parking: { initialMs: 15, coefficient: 2, maximumMs: 30 },
};
const onHold: Rules = { ...rules, isOnHold: true };

const handle: DispatchState = { phase: 'accepted', handle: {} };
const none: DispatchState = { phase: 'none' };
const cost: Money = { kind: 'cost', usd: 1 };
const picture: Outcome = { kind: 'made', money: cost };
const twin: Outcome = { kind: 'made', money: cost, problem: { code: 'duplicate', message: 'the same' } };

type Failed = Extract<Outcome, { kind: 'failed' }>;
const failed = (code: Failed['code'], more: Partial<Failed>): Outcome => ({
  ...{ kind: 'failed', code, message: code, word: 'still_there', trace: none, tookMs: 1 },
  ...more,
});
/** Its provider speaks, and not of the job. */
const strange = failed('status_unknown', { trace: handle });
const broken = failed('generation_failed', { word: 'ended_billed', money: cost });
const free = failed('generation_failed', { word: 'ended_free' });

const called = (endpoint: string, key = endpoint): SlotEvent => ({ kind: 'called', endpoint, key });
const ended = (key: string, outcome: Outcome): SlotEvent => ({ kind: 'ended', key, outcome });

function after(own: Rules, ...story: [number, SlotEvent][]): { ledger: Ledger; step(nowMs: number): Step } {
  const ledger = story.reduce(
    (sum, [nowMs, event]) => apply(sum, event, { endpoints, rules: own, nowMs, deadlineMs: 1000 }),
    emptyLedger(7),
  );
  const step = (nowMs: number, facts: Partial<Facts> = {}): Step => {
    const free: Facts = {
      ...{ nowMs, deadlineMs: 1000, isCancelled: false },
      ...{ fitsSet: () => 'yes', affords: () => 'yes', closedUntil: () => 0 },
    };
    return next({ ledger, endpoints, rules: own, facts: { ...free, ...facts } }).step;
  };
  return { ledger, step };
}

/** Asked for the job for longer than the grace time; then a person is asked. */
const asked: [number, SlotEvent][] = [
  [0, called('a')],
  [1, ended('a', strange)],
  [40, { kind: 'looked', key: 'a' }],
  [41, ended('a', strange)],
  [41, { kind: 'asked', key: 'a' }],
];

describe("a person's answer", () => {
  it.each<[string, Outcome]>([
    ['failed', broken],
    ['failed for nothing', free],
  ])('that gives the slot up is obeyed where the last look finds that the job has %s', (_what, found) => {
    const { step } = after(
      onHold,
      ...asked,
      [50, { kind: 'answered', answer: 'give_up' }],
      [50, { kind: 'looked', key: 'a' }],
      [51, ended('a', found)],
    );
    expect(step(51)).toEqual({ kind: 'end', as: 'given_up' });
  });

  it('that allows another job is obeyed although the provider was heard of since', () => {
    const { ledger, step } = after(
      onHold,
      ...asked,
      [50, { kind: 'answered', answer: 'resubmit' }],
      [50, { kind: 'looked', key: 'a' }],
      [200, ended('a', failed('connection_lost', { word: 'unreachable', trace: handle, tookMs: 61_000 }))],
      [200, { kind: 'went_on' }],
    );
    expect(ledger.jobs).toMatchObject([{ fate: 'given_up' }]);
    expect(step(200)).toEqual({ kind: 'submit', endpoint: 'a' });
  });
});

describe('an open job that is asked for in vain', () => {
  it('is looked for once more before another one is paid, however long its provider wants to be left alone', () => {
    const busy = failed('rate_limited', { trace: handle, retryAfterMs: 600 });
    const { step } = after(rules, [0, called('a')], [1, ended('a', busy)]);
    expect(step(100)).toEqual({ kind: 'wait', for: 'provider', until: 601 });
    expect(step(601)).toEqual({ kind: 'look', key: 'a' });
  });

  it('is looked for first in every round', () => {
    const { step } = after(
      rules,
      ...asked.slice(0, 4),
      [41, { kind: 'parked', until: 56 }],
      [56, { kind: 'round_began' }],
    );
    expect(step(56)).toEqual({ kind: 'look', key: 'a' });
  });

  it('is looked for once more when the one paid beside it has failed', () => {
    const { step } = after(
      rules,
      ...asked.slice(0, 4),
      [41, called('b')],
      [60, ended('b', failed('generation_failed', { word: 'ended_billed', money: cost }))],
    );
    expect(step(60)).toEqual({ kind: 'look', key: 'a' });
  });

  it('is overdue also where no worker took the looks, however long they waited for one', () => {
    const untaken = failed('no_worker', { word: 'nothing_sent', trace: handle, tookMs: 61_000 });
    const { step } = after(
      rules,
      ...asked.slice(0, 2),
      [2, { kind: 'looked', key: 'a' }],
      [63, ended('a', untaken)],
    );
    expect(step(63)).toEqual({ kind: 'submit', endpoint: 'b' });
  });

  it('shows no price at risk any more where it turned out to be free', () => {
    const { ledger } = after(onHold, ...asked, [50, { kind: 'looked', key: 'a' }], [51, ended('a', free)]);
    expect([costUsd(ledger), atRiskUsd(ledger)]).toEqual([0, 0]);
    expect(ledger.jobs).toMatchObject([{ key: 'a', money: { kind: 'free' } }]);
  });
});

describe('a job on hold that we stopped when its time was up', () => {
  it.each<[string, Partial<Failed>, Step['kind']]>([
    [
      'is over where the stop was definite: another one is paid',
      { word: 'ended_billed', money: cost },
      'submit',
    ],
    ['is over where nobody says what it cost, too', { word: 'ended_billed' }, 'submit'],
    [
      'may have made its picture where the stop may have come too late',
      { word: 'gone', money: cost },
      'ask_person',
    ],
  ])('%s', (_what, found, kind) => {
    const { step } = after(onHold, [0, called('a')], [870, ended('a', failed('deadline_exceeded', found))]);
    expect(step(880)).toMatchObject({ kind });
  });
});

describe('an endpoint that refuses every job, and bills the moment it ran', () => {
  const [a] = endpoints;
  const refusing = (usd: number): Outcome =>
    usd === 0
      ? failed('nodes_not_loaded', { word: 'ended_free' })
      : failed('nodes_not_loaded', { word: 'ended_billed', money: { kind: 'cost', usd } });

  /** Carries out what the table says until the slot ends. */
  function untilItEnds(usd: number) {
    const around = { endpoints: [a!], rules, deadlineMs: 5000 };
    let [ledger, nowMs, pauseMs, jobs, most] = [emptyLedger(7), 0, 0, 0, 0];
    const take = (event: SlotEvent): void => {
      ledger = apply(ledger, event, { ...around, nowMs });
    };
    for (;;) {
      const { step } = next({
        ...{ ledger, endpoints: around.endpoints, rules },
        facts: {
          ...{ nowMs, deadlineMs: around.deadlineMs, isCancelled: false },
          ...{ fitsSet: () => 'yes', affords: () => 'yes', closedUntil: () => 0 },
        },
      });
      if (step.kind === 'end') return { as: step.as, jobs, most, pauseMs, costUsd: costUsd(ledger) };
      if (step.kind === 'submit') {
        jobs += 1;
        take(called('a', `a${String(jobs)}`));
        take(ended(`a${String(jobs)}`, refusing(usd)));
        most = Math.max(most, ledger.jobs.length);
      } else if (step.kind === 'park') {
        pauseMs = Math.max(pauseMs, step.until - nowMs);
        take({ kind: 'parked', until: step.until });
      } else if (step.kind === 'wait') nowMs = step.until;
      else if (step.kind === 'begin_round') take({ kind: 'round_began' });
      else throw new Error(`unexpected step ${step.kind}`);
    }
  }

  it('is waited for until the deadline where that is next to nothing, as one that refuses for free', () => {
    const { costUsd: usd, ...story } = untilItEnds(0.0003);
    expect(untilItEnds(0)).toMatchObject({ as: 'deadline_exceeded', jobs: story.jobs, pauseMs: 30 });
    // However many there were, the ledger stays small.
    expect(story).toMatchObject({ as: 'deadline_exceeded', pauseMs: 30, most: 1 });
    expect(story.jobs).toBeGreaterThan(100);
    expect(usd).toBeCloseTo(story.jobs * 0.0003, 9);
  });

  it.each([
    ['a clear share of the price, as often as jobs may be paid for nothing', 0.1, 3],
    ['less, until that comes to as many prices', 0.09, 34],
  ])('ends the slot where that is %s', (_what, usd, jobs) => {
    expect(untilItEnds(usd)).toMatchObject({ as: 'paid_attempt_limit', jobs });
  });
});

describe('the key of a job', () => {
  it.each<[string, Outcome, number]>([
    ['is used again where nothing was sent', failed('connection_refused', { word: 'nothing_sent' }), 0],
    ['is spent where all its names are void', failed('job_voided', { word: 'ended_free' }), 1],
  ])('%s', (_what, outcome, used) => {
    const { ledger } = after(rules, [0, called('a')], [1, ended('a', outcome)]);
    expect(ledger).toMatchObject({ jobs: [], endpoints: { a: { jobs: used } } });
  });
});

describe('a race', () => {
  const race: [number, SlotEvent][] = [
    [0, called('a')],
    [5, called('b')],
  ];

  it('goes on with the first call where the second one made a picture that the set has', () => {
    const { ledger, step } = after(rules, ...race, [6, ended('b', twin)]);
    expect(step(6)).toMatchObject({ kind: 'wait', for: 'call' });
    const won = apply(ledger, ended('a', picture), { endpoints, rules, nowMs: 7, deadlineMs: 1000 });
    expect(won.jobs).toMatchObject([{ key: 'a', fate: 'made' }, { key: 'b' }]);
  });

  it('looks for the job of a call that was lost before it ends with a picture that the set has', () => {
    const lost = failed('activity_timed_out', { trace: handle });
    const { step } = after(rules, ...race, [6, ended('a', lost)], [7, ended('b', twin)]);
    expect(step(7)).toEqual({ kind: 'look', key: 'a' });
  });

  it('is over with a refusal, whatever the other call still makes', () => {
    const refused = failed('content_policy_violation', { word: 'ended_free' });
    const { ledger, step } = after(
      rules,
      ...race,
      [6, ended('b', refused)],
      [6, { kind: 'stopping', key: 'a' }],
      [7, ended('a', picture)],
    );
    expect(step(7)).toEqual({ kind: 'end', as: 'refused' });
    expect(costUsd(ledger)).toBe(1);
  });

  it('that would cost too much takes no turn from the other provider', () => {
    const { step } = after(
      rules,
      [0, called('a')],
      [5, { kind: 'too_dear', endpoint: 'b', reason: 'limit' }],
      [6, ended('a', failed('app_missing', { word: 'nothing_sent' }))],
    );
    expect(step(6)).toEqual({ kind: 'submit', endpoint: 'b' });
  });
});
