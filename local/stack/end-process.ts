import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from './error-code';
import { processIdentity } from './process-identity';

const pollMs = 50;

/**
 * Ends a process that is not our child: the given signal first, SIGKILL when it still runs after `graceMs`
 * (default 10 s). Resolves when it is gone; at once when it was never there.
 */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs = 10_000): Promise<void> {
  const identity = processIdentity(pid);
  if (identity === undefined) return;
  sendSignal(pid, signal);
  const deadline = Date.now() + graceMs;
  let killed = false;
  while (processIdentity(pid) === identity) {
    if (!killed && Date.now() > deadline) {
      sendSignal(pid, 'SIGKILL');
      killed = true;
    }
    await delay(pollMs);
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
