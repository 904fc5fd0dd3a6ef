import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { SlotState } from '../../src/domain/generation';
import { emptyLedger, type Job, type Ledger, type Money } from '../../src/domain/ledger';
import { addAttempts, showMoney } from '../../src/workflows/slot/attempts';

const priceUsd = 0.02;

const failed: AttemptRecord = {
  number: 1,
  provider: 'modal',
  endpoint: '/flux-dev',
  outcome: 'failed',
  startedAt: '2026-11-27T10:00:00.000Z',
  seconds: 1,
  errorClass: 'transient',
  errorCode: 'unavailable',
  certainty: 'not_sent',
};

function freshSlot(): SlotState {
  return {
    slot: 1,
    label: 'front view',
    status: 'running',
    seed: 7,
    identity: 'none',
    attempts: [],
    costUsd: 0,
    costEstimated: false,
    atRiskUsd: 0,
    considered: [],
  };
}

function job(key: string, money: Money, attempt: number | undefined): Job {
  return {
    ...{ key, endpoint: 'm', seed: 7, since: 0, fate: 'lost', money, trace: { phase: 'none' }, attempt },
    ...{ notBefore: 0, ownLosses: 0, hangs: 0 },
  };
}

/** A slot after jobs of which each reported one attempt, and cost this. */
function slotAfter(times: number, attempt: Partial<AttemptRecord>, money?: Money): SlotState {
  const slot = freshSlot();
  const ledger: Ledger = emptyLedger(7);
  for (let n = 1; n <= times; n += 1) {
    const jobKey = money === undefined ? 'g/slot-1/m' : `g/slot-1/m/${n}`;
    const number = addAttempts(slot, [{ ...failed, jobKey, ...attempt }], priceUsd);
    if (money !== undefined) ledger.jobs.push(job(jobKey, money, number));
    showMoney(slot, ledger);
  }
  return slot;
}

const atRisk: Money = { kind: 'at_risk', usd: 0.02 };

describe('the attempts of a slot in an outage of a day', () => {
  it.each<[string, Partial<AttemptRecord>, Money | undefined]>([
    ['nothing was sent', {}, undefined],
    ['an accepted job cannot be asked for', { certainty: 'accepted', providerRequestId: 'r1' }, undefined],
    ['a gateway leaves every submit in doubt', { certainty: 'unknown', atRiskUsd: 0.02 }, atRisk],
    ['a lost submit cannot be looked up', { certainty: 'unknown' }, undefined],
  ])('stay short, and lose no count and no money, where %s', (_case, attempt, money) => {
    const times = money === undefined ? 2_000 : 200;
    const { attempts, atRiskUsd } = slotAfter(times, attempt, money);

    expect(attempts).toHaveLength(20);
    expect(attempts.length + attempts.reduce((sum, { repeats = 0 }) => sum + repeats, 0)).toBe(times);
    const shownUsd = attempts.reduce((sum, one) => sum + (one.atRiskUsd ?? 0), 0);
    expect(atRiskUsd).toBeCloseTo((attempt.atRiskUsd ?? 0) * times);
    expect(shownUsd).toBeCloseTo(atRiskUsd);
  });

  it('stay short where each job left a full queue for nothing, under a name of its own', () => {
    const slot = freshSlot();
    for (let n = 0; n < 2_000; n += 1) {
      const free = { certainty: 'accepted', costUsd: 0, providerRequestId: `r${n}` } as const;
      addAttempts(slot, [{ ...failed, jobKey: `j${n}`, errorCode: 'queue_timeout', ...free }], priceUsd);
    }

    expect(slot.attempts).toHaveLength(20);
  });

  it('stay short where each job cost next to nothing, and show what they cost together', () => {
    const usd = 0.000005;
    const small: Partial<AttemptRecord> = { certainty: 'accepted', costUsd: usd, costEstimated: false };
    const cost: Money = { kind: 'cost', usd };
    const { attempts, costUsd } = slotAfter(400, { ...small, errorCode: 'nodes_not_loaded' }, cost);

    expect(attempts).toHaveLength(20);
    expect(costUsd).toBeCloseTo(400 * usd, 9);
    expect(attempts.reduce((sum, one) => sum + (one.costUsd ?? 0), 0)).toBeCloseTo(400 * usd, 9);
  });

  it('list one by one what was paid', () => {
    const cost: Money = { kind: 'cost', usd: 0.02 };
    const { attempts, costUsd } = slotAfter(30, { certainty: 'accepted', costUsd: 0.02 }, cost);
    expect(attempts).toHaveLength(30);
    expect(costUsd).toBeCloseTo(0.6);
  });
});

describe('the money of a job', () => {
  it('stands with its latest attempt, whatever the earlier ones said', () => {
    const slot = freshSlot();
    const ledger: Ledger = emptyLedger(7);
    const attempt = { ...failed, jobKey: 'j1', certainty: 'accepted', providerRequestId: 'r1' } as const;
    const first = addAttempts(slot, [attempt], priceUsd);
    ledger.jobs.push(job('j1', atRisk, first));
    showMoney(slot, ledger);
    expect(slot.attempts).toMatchObject([{ atRiskUsd: 0.02 }]);

    const second = addAttempts(slot, [attempt], priceUsd);
    ledger.jobs[0] = job('j1', { kind: 'cost', usd: 0.03, estimated: true }, second);
    showMoney(slot, ledger);

    expect(slot.attempts[0]?.atRiskUsd).toBeUndefined();
    expect(slot.attempts[1]).toMatchObject({ costUsd: 0.03, costEstimated: true });
    expect(slot).toMatchObject({ costUsd: 0.03, costEstimated: true, atRiskUsd: 0 });
  });

  it('says that a job which turned out to be free cost nothing', () => {
    const slot = freshSlot();
    const ledger: Ledger = emptyLedger(7);
    const number = addAttempts(
      slot,
      [{ ...failed, jobKey: 'j1', certainty: 'accepted', atRiskUsd: 0.02 }],
      priceUsd,
    );
    ledger.jobs.push(job('j1', { kind: 'free' }, number));
    showMoney(slot, ledger);

    expect(slot.attempts[0]).toMatchObject({ costUsd: 0, costEstimated: false });
    expect(slot.attempts[0]?.atRiskUsd).toBeUndefined();
  });
});
