import { Transform, type Readable, type TransformCallback } from 'node:stream';
import { DeadlineExceeded } from './deadlines';
import { TransportError } from './transport-error';

export interface BodyGuardOptions {
  signal: AbortSignal;
  /** Longest silence between two chunks. */
  idleSeconds: number;
  /** From the first chunk to the end; default: no limit. A body that drips is never silent. */
  downloadSeconds?: number | undefined;
}

/**
 * Passes a reply's body on and gives each way it can fail a typed error: {@link TransportError} when the connection
 * breaks, {@link DeadlineExceeded} when it falls silent or takes too long, the signal's reason when the call is stopped.
 */
export function guardBody(source: Readable, options: BodyGuardOptions): Readable {
  const { signal, idleSeconds, downloadSeconds } = options;
  let download: NodeJS.Timeout | undefined;
  const guard = new Transform({
    transform(chunk: unknown, _encoding, done: TransformCallback) {
      idle.refresh();
      if (downloadSeconds !== undefined) download ??= giveUpAfter('download', downloadSeconds);
      done(null, chunk);
    },
  });
  const giveUpAfter = (kind: 'idle' | 'download', seconds: number): NodeJS.Timeout =>
    setTimeout(() => {
      guard.destroy(new DeadlineExceeded(kind, seconds));
    }, seconds * 1000);
  const idle = giveUpAfter('idle', idleSeconds);
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
    clearTimeout(download);
    signal.removeEventListener('abort', stop);
    source.destroy();
  });
  // The body may break before anyone reads it; the reader still sees the error.
  guard.on('error', () => undefined);
  return source.pipe(guard);
}
