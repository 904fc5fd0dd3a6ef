import { DeadlineExceeded, pause } from '../http/deadlines';
import { ProviderError } from '../errors';
import { TransportError } from '../http/transport-error';

/** Milliseconds to wait after so many requests in vain: 0.5 s, and twice that each time. */
export function vainPauseMs(vain: number): number {
  return 500 * 2 ** vain;
}

/**
 * Asks for something free again after a lost connection or an answer of somebody else, so many times.
 *
 * @param ask is told how often it was asked in vain
 */
export async function askAgain<Answer>(
  signal: AbortSignal,
  times: number,
  ask: (vain: number) => Promise<Answer>,
): Promise<Answer> {
  for (let vain = 0; ; vain += 1) {
    try {
      return await ask(vain);
    } catch (error) {
      if (signal.aborted || vain >= times || !isPassing(error)) throw error;
      await pause(vainPauseMs(vain), signal);
    }
  }
}

/** Failures of the way to a job, which say nothing of it. */
export function isPassing(error: unknown): boolean {
  if (error instanceof TransportError || error instanceof DeadlineExceeded) return true;
  return error instanceof ProviderError && error.failureClass === 'transient' && !error.endsJob;
}
