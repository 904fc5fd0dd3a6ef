import type { FailureCode, JobOutcome } from '../../domain/failures';
import { endedAs, ProviderError, type ProviderCharge } from '../errors';
import { askedWaitMs } from '../http/retry-after';
import { falErrorSchema, type FalErrorBody } from './wire';

/** `upload` and `submit` come before the job exists at Fal, `status` and `result` after; at `list` nobody knows. */
export type FalStep = 'upload' | 'submit' | 'status' | 'result' | 'list';

export interface FalFailure {
  status: number;
  /** At most the first 64 kB of the body. */
  body: string;
  step: FalStep;
  /** The headers that matter: `retry-after`, `x-fal-request-timeout-type`, `x-fal-error-type`. */
  header(name: string): string | undefined;
  providerRequestId?: string | undefined;
  /** What Fal charges although the job failed. */
  billedUsd?: number | undefined;
}

interface Verdict {
  code: FailureCode;
  message: string;
}

/** What an error answer from Fal means. Decided by its types and status, never by its wording. */
export function falError(failure: FalFailure): ProviderError {
  const body = errorBody(failure.body);
  const types = typesOf(body, failure.header('x-fal-error-type'));
  const { message, code } = judge(failure, types, body);
  const charge = isEndOfJob(failure, types) ? chargeOf(failure, types) : undefined;
  return new ProviderError(message, {
    ...{ provider: 'fal', code, charge },
    outcome: isEndOfJob(failure, types) ? endedAs(charge) : outcomeOf(failure),
    status: failure.status,
    retryAfterMs: askedWaitMs(failure),
    providerRequestId: failure.providerRequestId,
  });
}

function chargeOf({ billedUsd }: FalFailure, types: readonly string[]): ProviderCharge | undefined {
  if (billedUsd !== undefined) return billedUsd > 0 ? { usd: billedUsd } : 'none';
  // A job called off while it ran is billed for all we know.
  return types.includes('request_cancelled') ? undefined : 'none';
}

/** What the error type of a finished job means when its result says nothing more. */
export function falErrorOfType(type: string, providerRequestId: string | undefined): ProviderError {
  const { message, code } = judgeType([type]) ?? failedAtRunner;
  return new ProviderError(message, { provider: 'fal', code, outcome: 'ended_free', providerRequestId });
}

function outcomeOf({ step, status }: FalFailure): JobOutcome {
  if (step === 'upload') return 'nothing_sent';
  if (step === 'list') return 'nobody_knows';
  if (step !== 'submit') return 'still_there';
  // 408 is no refusal: somebody on the way lost patience, and the request may have gone on.
  const wasRefused = status < 500 && status !== 408;
  return wasRefused ? 'nothing_sent' : 'nobody_knows';
}

/**
 * A failed job's result is an error with a type of Fal's own, or a 422 about its input. A bare text is no end: a gateway and
 * a job that is still in progress answer so too.
 */
function isEndOfJob(failure: FalFailure, types: readonly string[]): boolean {
  const { step, status } = failure;
  if (step !== 'result' || status < 400 || [401, 403, 404, 429].includes(status)) return false;
  const isTyped = types.length > 0 || (status === 422 && errorBody(failure.body) !== undefined);
  return isTyped || wasNotStarted(failure);
}

/** The limit for its start was ours (`x-fal-request-start-timeout`), and ran out. */
function wasNotStarted(failure: FalFailure): boolean {
  return failure.status === 504 && failure.header('x-fal-request-timeout-type') === 'user';
}

/** `undefined` when the answer is not one of Fal's own. */
function errorBody(text: string): FalErrorBody | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const body = falErrorSchema.safeParse(json).data;
    if (body === undefined || typeof json !== 'object' || json === null) return undefined;
    return 'detail' in json || body.error_type !== undefined || body.status === 'NOT_FOUND'
      ? body
      : undefined;
  } catch {
    return undefined;
  }
}

function typesOf(body: FalErrorBody | undefined, header: string | undefined): string[] {
  const details = Array.isArray(body?.detail) ? body.detail.map(({ type }) => type) : [];
  return [...details, body?.error_type, header].filter((type) => type !== undefined);
}

function judge(failure: FalFailure, types: string[], body: FalErrorBody | undefined): Verdict {
  const { status, step } = failure;
  if (wasNotStarted(failure)) {
    return { code: 'queue_timeout', message: 'Fal did not start the job in time' };
  }
  const byType = judgeType(types);
  if (byType !== undefined) return byType;
  const isRefusal = isAnswerToInput(failure, types);
  if (isRefusal && (status === 422 || status === 400)) return rejected(types, body);
  if (status === 404) return isAboutTheJob(step) && body === undefined ? foreignNotFound : notFound[step];
  return byStatus[status] ?? otherStatus(status, isAboutTheJob(step));
}

const failedAtRunner: Verdict = {
  code: 'generation_failed',
  message: 'the generation failed at Fal',
};
/** Types that mean the same whatever the status; a COMPLETED job carries them without one. */
const transientTypes = {
  internal_server_error: 'the generation failed at Fal',
  request_timeout: 'Fal gave up on the request',
  startup_timeout: 'no Fal runner came up in time',
  generation_timeout: 'the generation took longer than Fal allows',
  downstream_service_error: 'a service behind Fal failed',
  downstream_service_unavailable: 'a service behind Fal is not available',
  runner_scheduling_failure: 'Fal found no runner',
  runner_connection_timeout: 'the Fal runner did not answer',
  runner_disconnected: 'the Fal runner was lost',
  runner_connection_refused: 'the Fal runner refused the job',
  // Fal answers it with 400, but nothing is wrong with the input: we, or somebody with our key, called the job off.
  request_cancelled: 'the job was cancelled at Fal',
  // Fal's own storage holds most inputs, so the link is good and the fetch failed: worth another upload and try.
  file_download_error: 'Fal could not fetch an input picture',
} as const satisfies Partial<Record<FailureCode, string>>;

function isTransientType(type: string): type is keyof typeof transientTypes {
  return Object.hasOwn(transientTypes, type);
}

function judgeType(types: readonly string[]): Verdict | undefined {
  if (types.includes('content_policy_violation')) {
    return {
      code: 'content_policy_violation',
      message: "the request was refused by Fal's content policy",
    };
  }
  const type = types.find(isTransientType);
  return type === undefined ? undefined : { code: type, message: transientTypes[type] };
}

/** Names the first field Fal found wrong; never its value, which may be the prompt. */
function rejected(types: readonly string[], body: FalErrorBody | undefined): Verdict {
  const detail = Array.isArray(body?.detail) ? body.detail[0] : undefined;
  const field = detail?.loc?.find(
    (part) => typeof part === 'string' && /^[a-z_]{1,40}$/.test(part) && part !== 'body',
  );
  const type = types.find((candidate) => /^[a-z_.]{1,60}$/.test(candidate));
  const facts = [field, type].filter((fact) => typeof fact === 'string').join(', ');
  const message = `Fal refused the input${facts === '' ? '' : ` (${facts})`}`;
  return { code: 'input_rejected', message };
}

const missingEndpoint: Verdict = {
  code: 'endpoint_missing',
  message: 'Fal knows no such endpoint',
};
const lostRequest: Verdict = {
  code: 'request_lost',
  message: 'Fal no longer knows the request it accepted',
};
/** The job is there already, so no odd answer is about what we sent. */
function isAboutTheJob(step: FalStep): boolean {
  return step === 'status' || step === 'result';
}

/** Whether a 400 or 422 speaks of the input: at the submit, and at the result where it ends the job. */
function isAnswerToInput(failure: FalFailure, types: readonly string[]): boolean {
  return failure.step === 'submit' || failure.step === 'upload' || isEndOfJob(failure, types);
}

const foreignNotFound: Verdict = {
  code: 'reply_foreign',
  message: 'something that is not Fal answered for it',
};
const notFound: Readonly<Record<FalStep, Verdict>> = {
  upload: missingEndpoint,
  list: missingEndpoint,
  submit: missingEndpoint,
  status: lostRequest,
  result: lostRequest,
};

const byStatus: Readonly<Record<number, Verdict>> = {
  401: { code: 'unauthorized', message: 'Fal refused our key' },
  403: {
    code: 'forbidden',
    message: 'Fal refused our account: locked, or out of balance',
  },
  405: {
    code: 'route_unsupported',
    message: 'Fal does not take this kind of request there',
  },
  408: { code: 'request_timeout', message: 'Fal gave up on the request' },
  413: { code: 'request_too_large', message: 'the request is too large for Fal' },
  429: {
    code: 'rate_limited',
    message: 'Fal takes no more requests at the moment',
  },
  500: failedAtRunner,
  502: { code: 'bad_gateway', message: 'a service behind Fal failed' },
  503: { code: 'unavailable', message: 'Fal is not available at the moment' },
  504: { code: 'gateway_timeout', message: 'Fal did not answer in time' },
};

function otherStatus(status: number, isAboutAcceptedJob: boolean): Verdict {
  const message = `Fal answered with the unexpected status ${String(status)}`;
  if (status >= 500 || (status >= 400 && isAboutAcceptedJob)) return { code: 'unexpected_status', message };
  if (status >= 400) return { code: 'unexpected_refusal', message };
  if (status >= 300) return { code: 'redirect_unsupported', message };
  return { code: 'unexpected_answer', message };
}
