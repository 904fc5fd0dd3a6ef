import { longestRetryAfterMs, parseRetryAfterMs } from '../../../src/providers/http/retry-after';

const now = Date.parse('2026-03-01T12:00:00Z');

describe('parseRetryAfterMs', () => {
  it.each([
    ['2', 2000],
    [' 30 ', 30_000],
    ['0.5', 500],
    ['Sun, 01 Mar 2026 12:00:07 GMT', 7000],
  ])('honours %p', (header, expected) => {
    expect(parseRetryAfterMs(header, now)).toBe(expected);
  });

  it.each(['601', '99999999999999999999', 'Sun, 01 Mar 2099 12:00:00 GMT'])(
    'cuts %p to ten minutes',
    (header) => {
      expect(parseRetryAfterMs(header, now)).toBe(longestRetryAfterMs);
    },
  );

  it.each([
    undefined,
    '',
    '0',
    '-5',
    'soon',
    'soon, maybe 5',
    'Infinity',
    'NaN',
    '1e9',
    '2026-03-01T13:00:00Z',
  ])('asks for no wait when the header is %p', (header) => {
    expect(parseRetryAfterMs(header, now)).toBeUndefined();
  });

  it('asks for no wait when the date has passed', () => {
    expect(parseRetryAfterMs('Sun, 01 Mar 2026 11:59:59 GMT', now)).toBeUndefined();
  });
});
