export interface TurnLimits {
  /** At once, of everybody. */
  ofAll: number;
  /** At once, of each. */
  ofEach: number;
}

interface Waiting {
  owner: string;
  go(): void;
}

/** Lets work of several owners run in turns: first come, first served, but nobody waits for an owner with too much. */
export function createTurns({ ofAll, ofEach }: TurnLimits) {
  const runningOf = new Map<string, number>();
  const waiting: Waiting[] = [];
  let running = 0;

  const isFree = (owner: string): boolean => running < ofAll && (runningOf.get(owner) ?? 0) < ofEach;

  function take(owner: string): void {
    running += 1;
    runningOf.set(owner, (runningOf.get(owner) ?? 0) + 1);
  }

  function give(owner: string): void {
    running -= 1;
    const left = (runningOf.get(owner) ?? 1) - 1;
    if (left === 0) runningOf.delete(owner);
    else runningOf.set(owner, left);
    const next = waiting.findIndex((one) => isFree(one.owner));
    if (next >= 0) waiting.splice(next, 1)[0]?.go();
  }

  async function turn(owner: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (isFree(owner)) {
      take(owner);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        waiting.splice(waiting.indexOf(one), 1);
        reject(signal.reason as Error);
      };
      const one: Waiting = {
        owner,
        go: () => {
          signal.removeEventListener('abort', leave);
          // Before anybody else can look.
          take(owner);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.push(one);
    });
  }

  /** @throws the signal's reason when it ends before the turn comes, and what `work` throws */
  return async <Result>(owner: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> => {
    await turn(owner, signal);
    try {
      return await work();
    } finally {
      give(owner);
    }
  };
}
