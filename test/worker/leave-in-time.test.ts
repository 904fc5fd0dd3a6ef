import { EventEmitter } from 'node:events';
import { leaveInTime } from '../../src/worker/leave-in-time';

afterEach(() => jest.useRealTimers());

describe('a worker that is told to stop', () => {
  it('waits for its calls in the grace time, and leaves them to the next worker after it', () => {
    jest.useFakeTimers();
    const signals = new EventEmitter();
    const codes: number[] = [];
    const warnings: unknown[] = [];
    const logger = { warn: (...line: unknown[]) => void warnings.push(line) };
    leaveInTime({ graceSeconds: 30, logger, signals, exit: (code) => void codes.push(code) });

    jest.advanceTimersByTime(3_600_000);
    expect(codes).toEqual([]);
    signals.emit('SIGTERM');
    jest.advanceTimersByTime(30_000);
    expect(codes).toEqual([]);
    jest.advanceTimersByTime(5_000);
    expect(codes).toEqual([0]);
    expect(warnings).toHaveLength(1);
  });
});
