import type { DeadlineExceeded } from '../http/deadlines';
import type { HttpReply } from '../http/http';
import { askedWaitMs } from '../http/retry-after';

/** Thrown when an answer is not what a ComfyUI server would send, or is one of its error statuses. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** A web page: it comes from a proxy, never from the server itself. */
  readonly isWebPage: boolean;

  constructor(reply: HttpReply) {
    super(`unexpected answer (status ${String(reply.status)})`);
    this.status = reply.status;
    this.retryAfterMs = askedWaitMs(reply);
    this.isWebPage = reply.header('content-type')?.startsWith('text/html') ?? false;
  }
}

/** Thrown when the pod took a connection and did not answer what it answers at once when it is well: it is frozen. */
export class PodSilent extends Error {
  override readonly name = 'PodSilent';

  constructor(deadline: DeadlineExceeded) {
    super(`the pod takes connections and answers nothing (${String(deadline.seconds)} s)`, {
      cause: deadline,
    });
  }
}
