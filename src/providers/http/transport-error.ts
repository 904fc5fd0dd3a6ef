import type { FailureCode, JobOutcome } from '../../domain/failures';
import { DeadlineExceeded } from './deadlines';

/**
 * How far a request got before it broke.
 *
 * - `connect`: no connection (TLS included) was ever made, so nothing was sent.
 * - `reply`: connected, but no status line came back.
 * - `body`: the status line came, the body did not end well.
 */
export type TransportPhase = 'connect' | 'reply' | 'body';

/**
 * Thrown by the HTTP client, and by the bodies it hands out, when the connection fails. Keeps no `cause`: axios hangs
 * the whole request on its errors, credentials and prompt included, and whoever logs an error logs its cause.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** The operating system's or parser's code, such as `ECONNRESET`; empty when there was none. */
  readonly systemCode: string;

  constructor(
    readonly phase: TransportPhase,
    origin: unknown,
  ) {
    const { code, message } = innermost(origin);
    super(`connection failed (${phase}): ${message}`);
    this.systemCode = code;
  }
}

/**
 * Where a call stood when something went wrong, which decides what a silence means for the money.
 *
 * - `preparing`: before the paid submit (uploads, look-ups).
 * - `submitting`: the paid submit is on its way.
 * - `accepted`: the provider answered the submit.
 */
export type CallStage = 'preparing' | 'submitting' | 'accepted';

export interface TransportFailure {
  code: FailureCode;
  outcome: JobOutcome;
  message: string;
}

/** What a broken connection or one of our own deadlines means; `undefined` for any other error. */
export function classifyTransportError(error: unknown, stage: CallStage): TransportFailure | undefined {
  if (error instanceof DeadlineExceeded) return classifyDeadline(error, stage);
  if (!(error instanceof TransportError)) return undefined;
  if (error.phase === 'connect') {
    const { code, message } = connectFailure(error.systemCode);
    return { code, outcome: outcomeAt(stage, 'never_left'), message };
  }
  if (error.phase === 'body') {
    const message = 'the answer broke off half-way';
    return { code: 'body_cut_off', outcome: outcomeAt(stage, 'answered'), message };
  }
  const message = 'the connection was lost before an answer came';
  return { code: 'connection_lost', outcome: outcomeAt(stage, 'left'), message };
}

function classifyDeadline({ kind, seconds }: DeadlineExceeded, stage: CallStage): TransportFailure {
  if (kind === 'connect') {
    const message = `no connection within ${String(seconds)} s`;
    return { code: 'connect_timeout', outcome: outcomeAt(stage, 'never_left'), message };
  }
  // An answer that began and does not end is as good as one that broke off; with the other limits there was none yet.
  const began = kind === 'idle' || kind === 'download';
  const code = began ? 'body_stalled' : kind === 'first_byte' ? 'no_answer' : 'deadline_exceeded';
  return {
    code,
    outcome: outcomeAt(stage, kind === 'first_byte' ? 'left' : 'answered'),
    message: `no complete answer within ${String(seconds)} s (${kind.replace('_', ' ')} deadline)`,
  };
}

function outcomeAt(stage: CallStage, request: 'left' | 'never_left' | 'answered'): JobOutcome {
  if (stage === 'accepted') return request === 'answered' ? 'still_there' : 'unreachable';
  return stage === 'submitting' && request !== 'never_left' ? 'nobody_knows' : 'nothing_sent';
}

function connectFailure(systemCode: string): { code: FailureCode; message: string } {
  if (systemCode === 'ECONNREFUSED')
    return { code: 'connection_refused', message: 'the host refused the connection' };
  if (systemCode === 'ENOTFOUND' || systemCode === 'EAI_AGAIN') {
    return { code: 'host_not_found', message: 'the host name could not be resolved' };
  }
  if (systemCode === 'EPROTO' || /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(systemCode)) {
    return { code: 'tls_failed', message: 'the secure connection could not be set up' };
  }
  return { code: 'connection_failed', message: 'no connection could be made' };
}

/** axios and the streams wrap the error that has the code. */
function innermost(error: unknown): { code: string; message: string } {
  const found = { code: '', message: 'unknown reason' };
  for (let current = error; current instanceof Error; current = current.cause) {
    found.message = current.message;
    if ('code' in current && typeof current.code === 'string') found.code = current.code;
  }
  return found;
}
