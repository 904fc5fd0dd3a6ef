import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { SlotState } from '../../src/domain/generation';
import { addAttempts, openAttempt } from '../../src/workflows/slot-trail';

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
  ])('stays short, and loses no count and no money, where %s', (_case, attempt) => {
    const { attempts, atRiskUsd } = slotAfter(2_000, attempt);

    expect(attempts).toHaveLength(20);
    expect(attempts.length + attempts.reduce((sum, { repeats = 0 }) => sum + repeats, 0)).toBe(2_000);
    expect(atRiskUsd).toBeCloseTo((attempt.atRiskUsd ?? 0) * 2_000);
  });

  it('still lists what was paid, and what is open beside what is booked', () => {
    expect(slotAfter(30, { certainty: 'accepted', costUsd: 0.02 }).attempts).toHaveLength(30);

    const slot = slotAfter(21, { certainty: 'accepted', providerRequestId: 'r1' });
    for (const attempt of slot.attempts) attempt.atRiskUsd = 0.02;
    addAttempts(slot, [{ ...failed, certainty: 'accepted', providerRequestId: 'r1' }]);
    expect(openAttempt(slot, '/flux-dev')?.number).toBe(21);
  });
});
