import { failureOf, type FailureCode, type JobOutcome } from '../../domain/failures';
import { endedAs, ProviderError, type ProviderCharge } from '../errors';
import { parseRetryAfterMs } from '../http/retry-after';
import { modalErrorSchema, modalValidationSchema, type ModalErrorBody } from './wire';

export interface ModalFailure {
  status: number;
  /** At most the first 64 kB of the body. */
  body: string;
  /** The `Retry-After` header. */
  retryAfter?: string | undefined;
  /** Whether the paid POST was answered so, or a GET of a result URL, or the route in the record of a job that ended. */
  answerTo: 'submit' | 'result' | 'job';
  providerRequestId?: string | undefined;
}

interface Verdict {
  code: FailureCode;
  message: string;
  /** The server turned the call away before any work; matters for an answer to the submit only. */
  beforeWork: boolean;
}

/**
 * What a status other than 200 from an endpoint means. The body's shape decides, since statuses are often dressed up. An
 * answer at a result URL that nobody recognises is no word on the call behind it.
 */
export function modalError(failure: ModalFailure): ProviderError {
  const { answerTo, status, retryAfter, providerRequestId } = failure;
  if (answerTo === 'result' && !isEndOfCall(failure))
    return strangeAnswer({ status, retryAfter, providerRequestId, outcome: 'still_there' });
  const app = appError(failure.body);
  const { message, code, beforeWork } = judge(failure, app);
  const charge = chargeOf(failure, beforeWork, code, app);
  return new ProviderError(message, {
    ...{ provider: 'modal', code, charge, status, providerRequestId },
    outcome: outcomeOf(failure, beforeWork, app, code === 'result_lost' ? 'gone' : endedAs(charge)),
    retryAfterMs: parseRetryAfterMs(retryAfter, Date.now()),
  });
}

export interface StrangeAnswer {
  status: number;
  retryAfter?: string | undefined;
  providerRequestId?: string | undefined;
  /** What is known of the job that was asked for. */
  outcome: JobOutcome;
}

/** An answer that is not about the job that was asked for: of a proxy, of Modal's edge, to our credentials. */
export function strangeAnswer({
  status,
  retryAfter,
  providerRequestId,
  outcome,
}: StrangeAnswer): ProviderError {
  const { code, message } = aboutTheWay(status, outcome);
  return new ProviderError(message, {
    provider: 'modal',
    code,
    outcome,
    status,
    retryAfterMs: parseRetryAfterMs(retryAfter, Date.now()),
    providerRequestId,
  });
}

/** The body of a submit is too large; nothing was sent. */
export function tooLarge(status: number): ProviderError {
  const { code, message } = requestTooLarge;
  return new ProviderError(message, { provider: 'modal', code, outcome: 'nothing_sent', status });
}

/** What a status says of the way to Modal alone. */
function aboutTheWay(status: number, outcome: JobOutcome): Verdict {
  if (status === 404 || status === 405) return outcome === 'nothing_sent' ? routeMissing : appMissing;
  const isOfTheWay = [401, 403, 408, 429, 502, 503, 504].includes(status);
  return (isOfTheWay ? byStatus[status] : undefined) ?? late('unexpected_status', strange(status));
}

/** Whether an answer at a result URL is the end of the call, in the words of its app or of Modal's edge. */
function isEndOfCall({ status, body }: ModalFailure): boolean {
  if ([401, 403, 429].includes(status)) return false;
  if (status === 404 && body.startsWith('modal-http: invalid function call')) return true;
  if (status === 500 && body.startsWith('modal-http: internal error')) return true;
  const app = appError(body);
  if (app === undefined) return status === 422 && isValidation(body);
  // Only a handler's catch-all has these words. Anything that speaks FastAPI has a `detail`.
  if (app.error !== undefined && app.type !== undefined) return true;
  // A gateway that speaks JSON has an `error`, or says that something is not available: nothing of the job.
  if (status === 500 || (status === 502 && app.detail !== undefined)) return true;
  return status < 500 && /^LoRA not found|\bis required\b|^Invalid /.test(app.detail ?? '');
}

/** Work that failed is billed by the second like any other; a request turned down by the handler's checks is not. */
function chargeOf(
  { answerTo }: ModalFailure,
  beforeWork: boolean,
  code: FailureCode,
  app: ModalErrorBody | undefined,
): ProviderCharge | undefined {
  if (failureOf(code).class === 'input' || (beforeWork && answerTo !== 'result')) return 'none';
  return app === undefined ? undefined : 'price';
}

/** An answer to the submit that is not the app's own came from something in between: the call may have gone on or not. */
function outcomeOf(
  { answerTo }: ModalFailure,
  beforeWork: boolean,
  app: ModalErrorBody | undefined,
  end: JobOutcome,
): JobOutcome {
  if (answerTo !== 'submit') return end;
  if (beforeWork) return 'nothing_sent';
  return app === undefined ? 'nobody_knows' : end;
}

/** `undefined` when the answer is not one of our apps' own, but of something in between. */
function appError(text: string): ModalErrorBody | undefined {
  try {
    const body = modalErrorSchema.safeParse(JSON.parse(text)).data;
    return body?.detail === undefined && body?.error === undefined ? undefined : body;
  } catch {
    return undefined;
  }
}

function isValidation(text: string): boolean {
  try {
    return modalValidationSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

function judge(failure: ModalFailure, app: ModalErrorBody | undefined): Verdict {
  const { status } = failure;
  if (status === 404) return notFound(failure, app);
  if (status === 500) return crashed(app);
  if (status === 503 && /not loaded/i.test(app?.error ?? app?.detail ?? '')) return notLoaded;
  return byStatus[status] ?? otherStatus(status);
}

const requestTooLarge = refusal('request_too_large', 'the request is too large for Modal');

const byStatus: Readonly<Record<number, Verdict>> = {
  400: refusal('input_rejected', 'Modal refused the request as invalid'),
  401: refusal('unauthorized', 'Modal refused our proxy credentials'),
  403: refusal('forbidden', 'Modal refused our proxy credentials'),
  405: refusal('route_unsupported', 'this Modal route does not take this kind of request'),
  408: late('request_timeout', 'Modal gave up waiting for a container'),
  413: requestTooLarge,
  422: refusal('input_rejected', 'Modal refused the request as invalid'),
  429: refusal('rate_limited', 'Modal takes no more requests at the moment'),
  501: refusal('route_unsupported', 'this Modal route is registered but cannot work'),
  502: late('bad_gateway', 'a service behind Modal failed'),
  503: late('unavailable', 'Modal is not available at the moment'),
  504: late('gateway_timeout', 'Modal did not answer its own gateway in time'),
};

const routeMissing = refusal('route_missing', 'there is no such Modal app or path');
/** It was there when it took the job: its deployment is being changed, or was stopped. */
const appMissing = refusal('app_missing', 'the Modal app of the job is not there at the moment');
const notLoaded = refusal('nodes_not_loaded', 'this Modal endpoint has not loaded what it needs');

function notFound({ body, answerTo }: ModalFailure, app: ModalErrorBody | undefined): Verdict {
  if (app?.detail?.startsWith('LoRA not found') === true) {
    return refusal('lora_missing', 'the LoRA is not on the Modal volume');
  }
  // Only a handler answers in this shape, so the route exists and its model files do not.
  if (app?.error !== undefined) return refusal('models_missing', 'this Modal endpoint lacks its model files');
  if (answerTo === 'result' && body.startsWith('modal-http')) {
    return late('result_lost', 'Modal no longer knows the call it accepted');
  }
  return routeMissing;
}

/** 500 is also how the handlers answer a bad request, a missing LoRA and an endpoint that is not ready. */
function crashed(app: ModalErrorBody | undefined): Verdict {
  const text = app?.error ?? app?.detail ?? '';
  const type = app?.type ?? '';
  if (type === 'ValueError' && /not loaded|models? not found/i.test(text)) return notLoaded;
  if (/lora/i.test(text) && /not in list/i.test(text)) {
    return late('lora_missing', 'the LoRA is not known to the Modal container');
  }
  if (
    /^(KeyError|ValueError|JSONDecodeError|TypeError)$/.test(type) ||
    /Invalid image format|is required/.test(text)
  ) {
    return late('input_rejected', `Modal could not use the request${fieldIn(text)}`);
  }
  if (/out of memory|CUDA/i.test(text) || /OutOfMemory/i.test(type)) {
    return late('out_of_gpu_memory', 'the Modal container ran out of GPU memory');
  }
  return app === undefined
    ? late('container_crashed', 'the Modal container stopped during the call')
    : late('generation_failed', 'the generation failed inside the Modal container');
}

/** Names the field, where the text holds nothing else; prompts and paths never match. */
function fieldIn(text: string): string {
  const field = /^'([a-z_]{1,40})'$/.exec(text)?.[1] ?? /\b([a-z_]{1,40}) is required/.exec(text)?.[1];
  return field === undefined ? '' : `: ${field} is missing`;
}

function otherStatus(status: number): Verdict {
  const message = strange(status);
  if (status >= 500) return late('unexpected_status', message);
  if (status >= 400) return refusal('unexpected_refusal', message);
  if (status >= 300) return late('redirect_unsupported', message);
  return late('unexpected_answer', message);
}

function strange(status: number): string {
  return `Modal answered with the unexpected status ${String(status)}`;
}

function refusal(code: FailureCode, message: string): Verdict {
  return { code, message, beforeWork: true };
}

/** For answers that work may have gone before. */
function late(code: FailureCode, message: string): Verdict {
  return { code, message, beforeWork: false };
}
