import {
  affords,
  fitsSet,
  statusOfSet,
  type Budget,
  type SetEngine,
} from '../../src/workflows/generation/rules';

describe('how a set ends', () => {
  const set = { slots: 6, completed: 6, isCancelled: false, minSuccess: 3 };
  it.each([
    ['every picture was made', {}, 'completed'],
    ['enough pictures were made', { completed: 3 }, 'partial'],
    ['too few pictures were made', { completed: 2 }, 'failed'],
    ['the caller cancelled, however many were made', { completed: 5, isCancelled: true }, 'cancelled'],
  ])('%s', (_when, own, status) => {
    expect(statusOfSet({ ...set, ...own })).toBe(status);
  });
});

describe('whether an endpoint fits a set', () => {
  it.each<[string, SetEngine, string]>([
    ['that may mix', { mayMix: true, engine: 'a' }, 'yes'],
    ['made by it', { mayMix: false, engine: 'b' }, 'yes'],
    ['made by another one', { mayMix: false, engine: 'a' }, 'never'],
    ['without a picture', { mayMix: false }, 'yes'],
    ['whose first picture is made by it just now', { mayMix: false, claimed: 'b' }, 'yes'],
    ['whose first picture is made by another one just now', { mayMix: false, claimed: 'a' }, 'later'],
  ])('%s', (_which, set, answer) => {
    expect(fitsSet(set, 'b')).toBe(answer);
  });
});

describe('whether one more call may be paid', () => {
  const budget: Budget = { committed: 0.1, forgotten: 0, reserved: 0.2 };
  it.each<[string, Partial<Budget>, string]>([
    ['inside what was set aside', {}, 'yes'],
    ['to the last cent', { committed: 0.15 }, 'yes'],
    ['beyond it', { committed: 0.16 }, 'ask'],
    ["up to the caller's limit", { limit: 0.15 }, 'yes'],
    ["beyond the caller's limit", { limit: 0.14 }, 'no'],
    [
      "beyond the caller's limit, with what an earlier run may have paid",
      { limit: 0.2, forgotten: 0.06 },
      'no',
    ],
  ])('%s', (_how, own, answer) => {
    expect(affords({ ...budget, ...own }, 0.05)).toBe(answer);
  });
});
