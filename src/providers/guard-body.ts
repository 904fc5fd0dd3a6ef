import { Transform, type Readable, type TransformCallback } from 'node:stream';
import { DeadlineExceeded } from './deadlines';
import { TransportError } from './transport-error';

export interface BodyGuardOptions {
  signal: AbortSignal;
  /** Longest silence between two chunks. */
  idleSeconds: number;
}

/**
 * Passes a reply's body on and gives each way it can fail a typed error: {@link TransportError} when the connection
 * breaks, {@link DeadlineExceeded} when it falls silent, the signal's reason when the call is stopped.
 */
export function guardBody(source: Readable, { signal, idleSeconds }: BodyGuardOptions): Readable {
  const guard = new Transform({
    transform(chunk: unknown, _encoding, done: TransformCallback) {
      idle.refresh();
      done(null, chunk);
    },
  });
  const idle = setTimeout(() => {
    guard.destroy(new DeadlineExceeded('idle', idleSeconds));
  }, idleSeconds * 1000);
  const stop = (): void => {
    guard.destroy(signal.reason as Error);
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  source.once('error', (error) => {
    guard.destroy(signal.aborted ? (signal.reason as Error) : new TransportError('body', error));
  });
  guard.once('close', () => {
    clearTimeout(idle);
    signal.removeEventListener('abort', stop);
    source.destroy();
  });
  // The body may break before anyone reads it; the reader still sees the error.
  guard.on('error', () => undefined);
  return source.pipe(guard);
}
