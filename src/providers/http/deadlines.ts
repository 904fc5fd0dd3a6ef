import { setTimeout as sleep } from 'node:timers/promises';

export type DeadlineKind = 'connect' | 'first_byte' | 'idle' | 'download' | 'total';

/** One of our own limits ran out; also the abort reason of the signals that carry it. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(
    readonly kind: DeadlineKind,
    readonly seconds: number,
  ) {
    super(`no answer within ${String(seconds)} s (${kind.replace('_', ' ')} deadline)`);
  }
}

export interface CallScope {
  /** Aborts with the caller's reason, or with a `total` {@link DeadlineExceeded}. */
  readonly signal: AbortSignal;
  /** Always call it: the timer would hold the process, the listener the caller's signal. */
  close(): void;
}

/** The time one provider call has from its first to its last byte, in seconds, and its caller's abort. */
export function openCallScope(caller: AbortSignal, totalSeconds: number): CallScope {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DeadlineExceeded('total', totalSeconds));
  }, totalSeconds * 1000);
  const forward = (): void => {
    controller.abort(caller.reason);
  };
  caller.addEventListener('abort', forward, { once: true });
  if (caller.aborted) forward();
  return {
    signal: controller.signal,
    close: () => {
      clearTimeout(timer);
      caller.removeEventListener('abort', forward);
    },
  };
}

/** Waits. @throws the signal's own reason when it aborts, not the timer's AbortError. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * A signal that follows `signal` this many seconds late: lets a short request finish whose answer is needed to undo it.
 */
export function delayAbort(signal: AbortSignal, seconds: number): CallScope {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    timer = setTimeout(() => {
      controller.abort(signal.reason);
    }, seconds * 1000);
  };
  if (signal.aborted) start();
  else signal.addEventListener('abort', start, { once: true });
  return {
    signal: controller.signal,
    close: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', start);
    },
  };
}

/**
 * When a job has waited long enough in a queue, as a `Date.now()`. Counted from its submit, so that a job which is
 * picked up again and again does not wait for ever; from now where its handle does not tell.
 *
 * @param queuedSince ISO 8601.
 */
export function queueEndMs(queuedSince: string | undefined, queueSeconds: number): number {
  const sinceMs = queuedSince === undefined ? Date.now() : Date.parse(queuedSince);
  return sinceMs + queueSeconds * 1000;
}
