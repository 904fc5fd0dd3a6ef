import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { SlotState } from '../../src/domain/generation';
import { addAttempts, perhapsPaidAttempts, wastedAttempts } from '../../src/workflows/slot/slot-trail';

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

function slotAfter(times: number, attempt: Partial<AttemptRecord>): SlotState {
  const slot: SlotState = {
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
  for (let n = 0; n < times; n += 1) addAttempts(slot, [{ ...failed, ...attempt }]);
  return slot;
}

describe('the trail of a slot in an outage of a day', () => {
  it.each<[string, Partial<AttemptRecord>]>([
    ['nothing was sent', {}],
    ['an accepted job cannot be asked for', { certainty: 'accepted', providerRequestId: 'r1' }],
    ['a gateway leaves every submit in doubt', { certainty: 'unknown', atRiskUsd: 0.02 }],
    ['a lost submit cannot be looked up', { certainty: 'unknown', jobKey: 'g/slot-1/m' }],
  ])('stays short, and loses no count and no money, where %s', (_case, attempt) => {
    const { attempts, atRiskUsd } = slotAfter(2_000, attempt);

    expect(attempts).toHaveLength(20);
    expect(attempts.length + attempts.reduce((sum, { repeats = 0 }) => sum + repeats, 0)).toBe(2_000);
    expect(atRiskUsd).toBeCloseTo((attempt.atRiskUsd ?? 0) * 2_000);
  });

  it('stays short where each job left a full queue for nothing, under a name of its own', () => {
    const slot = slotAfter(0, {});
    for (let n = 0; n < 2_000; n += 1) {
      const free = { certainty: 'accepted', costUsd: 0, providerRequestId: `r${n}` } as const;
      addAttempts(slot, [{ ...failed, errorCode: 'queue_timeout', ...free }]);
    }

    expect(slot.attempts).toHaveLength(20);
    expect(wastedAttempts(slot)).toBe(0);
  });

  it('counts a job that its queue bills, and not what something in front of a provider said', () => {
    const accepted = { certainty: 'accepted', costUsd: 0.02 } as const;
    expect(wastedAttempts(slotAfter(3, { ...accepted, errorCode: 'queue_timeout' }))).toBe(3);
    expect(wastedAttempts(slotAfter(3, { ...accepted, errorCode: 'media_not_media' }))).toBe(3);
    const inBetween = { certainty: 'unknown', atRiskUsd: 0.02, errorCode: 'media_not_media' } as const;
    expect(wastedAttempts(slotAfter(3, inBetween))).toBe(0);
  });

  it('counts no failure that cost nothing as a wasted attempt', () => {
    const free = { certainty: 'accepted', costUsd: 0, errorCode: 'runner_scheduling_failure' } as const;
    expect(wastedAttempts(slotAfter(6, free))).toBe(0);
    expect(perhapsPaidAttempts(slotAfter(6, free))).toBe(0);
    expect(perhapsPaidAttempts(slotAfter(6, { certainty: 'unknown', atRiskUsd: 0 }))).toBe(0);
  });

  it('still lists what was paid, and what is open beside what is booked', () => {
    expect(slotAfter(30, { certainty: 'accepted', costUsd: 0.02 }).attempts).toHaveLength(30);

    const slot = slotAfter(21, { certainty: 'accepted', providerRequestId: 'r1' });
    for (const attempt of slot.attempts) attempt.atRiskUsd = 0.02;
    addAttempts(slot, [{ ...failed, certainty: 'accepted', providerRequestId: 'r1' }]);
    expect(slot.attempts.at(-1)).toMatchObject({ number: 21 });
    expect(slot.attempts.at(-1)?.atRiskUsd).toBeUndefined();
  });
});
