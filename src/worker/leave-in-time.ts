import type { EventEmitter } from 'node:events';
import type { Logger } from 'pino';

export interface LeaveOptions {
  /** How long calls in flight may go on after the signal to stop. */
  graceSeconds: number;
  logger: Pick<Logger, 'warn'>;
  /** Where the signals come from, and how the process ends; by default our own. */
  signals?: Pick<EventEmitter, 'once'>;
  exit?: (code: number) => void;
}

/** For the last notes of calls that are left to the next worker. */
const marginMs = 5_000;

/**
 * Temporal's worker waits for its calls as long as they take. A call that goes on after the grace time is left behind: the
 * next worker collects it, or finds that nobody can. Nobody else would take work up before this process ends.
 */
export function leaveInTime({
  graceSeconds,
  logger,
  signals = process,
  exit = (code) => process.exit(code),
}: LeaveOptions): void {
  const leave = (): void => {
    logger.warn(
      { graceSeconds },
      'calls in flight did not end in the grace time and are left to the next worker',
    );
    exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) {
    signals.once(signal, () => setTimeout(leave, graceSeconds * 1000 + marginMs).unref());
  }
}
