import { watchPolicy } from '../../src/registry/watch-policy';
import { WatchBook } from '../../src/workflows/provider-watch/watch-book';

/** In the middle of the jitter. */
const middle = () => 0.5;

describe('a provider that fails again after it was called up', () => {
  let book: WatchBook;
  beforeEach(() => {
    jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
    book = new WatchBook({ provider: 'modal', policy: watchPolicy });
    book.answered();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const pass = (seconds: number): void => {
    jest.advanceTimersByTime(seconds * 1000);
  };

  /** An outage that begins after so many seconds of being up. Returns the seconds until its first probe. */
  function outageAfter(upSeconds: number, served: { hasServed?: true } = {}): number {
    pass(upSeconds);
    book.reportOutage({ reason: 'refused', ...served });
    const waitMs = book.scheduleProbe(middle);
    pass(waitMs / 1000);
    book.answered();
    return waitMs / 1000;
  }

  it('is left alone ever longer where it fails as soon as it is called up', () => {
    expect([2, 2, 2, 2].map((seconds) => outageAfter(seconds))).toEqual([2, 4, 8, 16]);
  });

  it('is probed as soon as after its first outage where it served for a while in between', () => {
    expect([30, 30, 30, 30].map((seconds) => outageAfter(seconds))).toEqual([1, 1, 1, 1]);
    expect([2, 2].map((seconds) => outageAfter(seconds))).toEqual([2, 4]);
    expect(outageAfter(60)).toBe(1);
  });

  it('is probed as soon as after its first outage where calls ended well in between, however short that was', () => {
    expect([2, 2, 2].map((seconds) => outageAfter(seconds))).toEqual([2, 4, 8]);
    expect(outageAfter(2, { hasServed: true })).toBe(1);
    expect(outageAfter(2)).toBe(2);
  });

  it('has been up all along where it was only doubted meanwhile', () => {
    pass(30);
    book.doubt();
    book.answered();
    expect(outageAfter(2)).toBe(1);
  });
});
