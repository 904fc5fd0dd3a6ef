import type { Logger } from 'pino';
import type { Stack } from './stack';

/** Exit code of a program ended by Ctrl-C. */
export const interruptedExitCode = 130;

/** npm passes on a Ctrl-C that the terminal has already sent, so the same one arrives two or three times. */
const samePressMs = 1_000;

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, or when the process that started this one goes. At a second signal
 * the stack is killed and this process ends without waiting.
 */
export function stopRequested(stack: Stack, logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (): void => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        logger.info(
          'stopping; calls in flight may finish first (Ctrl-C again stops at once, and what is in flight may be paid and lost)',
        );
        resolve();
        return;
      }
      if (Date.now() - firstAt < samePressMs) return;
      stack.kill();
      process.exit(interruptedExitCode);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    process.once('disconnect', () => resolve());
  });
}
