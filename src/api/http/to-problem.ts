import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { AssetNotFound, AssetsUnavailable, MediaError } from '../../assets';
import { isDatabaseUnavailable } from '../../db';
import { passingRefusals, RequestRefused } from '../../registry';
import { bodyErrors } from './body-errors';
import { HttpProblem } from './http-problem';
import { jsonBodyLimitBytes } from './json-body-limit';
import type { ProblemCode } from './problem-codes';
import { TemporalUnavailable } from '../temporal/temporal-port';
import { validationErrors } from './validation-errors';

/** Seconds a caller should wait before it tries a service that is down again. */
const retryAfterSeconds = 5;

/**
 * The one place where errors become HTTP. 400: the request has the wrong shape. 422: its shape is right, what it asks
 * for is not possible. 503: a service we need is down. What nobody foresaw is 500, without a word about its cause.
 *
 * @param bodyLimitBytes of the route
 */
export function toProblem(error: unknown, bodyLimitBytes = jsonBodyLimitBytes): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof RequestRefused) return refusal(error);
  if (error instanceof TemporalUnavailable) return unavailable('temporal_unavailable', error.message, error);
  if (error instanceof AssetNotFound)
    return new HttpProblem(404, 'asset_not_found', 'There is no such asset.');
  if (error instanceof MediaError) return badMedia(error);
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(validationErrors(error));
  if (isDatabaseUnavailable(error)) {
    return unavailable('database_unavailable', 'The database cannot be reached right now.', error);
  }
  if (error instanceof AssetsUnavailable || isStorageFailure(error)) {
    return unavailable('assets_unavailable', 'The asset store cannot be used right now.', error);
  }
  return fromStatus(error, bodyLimitBytes) ?? unexpected(error);
}

/** 400 with the fields to blame. */
export function invalid(errors: HttpProblem['errors']): HttpProblem {
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new HttpProblem(400, 'invalid_request', detail, { errors });
}

function refusal(error: RequestRefused): HttpProblem {
  const mayPass = error.issues.every(({ code }) => passingRefusals.has(code));
  const repeat = mayPass ? 'may_help' : 'refused';
  return new HttpProblem(422, 'request_refused', error.message, { errors: error.issues, repeat });
}

function unavailable(code: ProblemCode, message: string, cause: unknown): HttpProblem {
  return HttpProblem.of(code, message, { retryAfterSeconds, cause });
}

/** The way out of a file that is too large. */
const smallerFile = 'send a smaller picture or clip';

/** 413 for an upload whose announced length alone says that it is too large. */
export function fileTooLarge(maxBytes: number): HttpProblem {
  return badMedia(new MediaError('too_large', `more than ${String(maxBytes)} bytes`));
}

function badMedia(error: MediaError): HttpProblem {
  const { problem } = error;
  const message = problem === 'too_large' ? `${error.message}: ${smallerFile}` : error.message;
  return HttpProblem.of(problem, `The file cannot be used: ${message}.`, {
    errors: [{ field: 'file', code: problem, message }],
  });
}

/** What a full, read-only or unmounted volume answers. */
const storageCodes = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'EMFILE',
  'ENOENT',
  'ENOTDIR',
]);

function isStorageFailure(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  return 'syscall' in error && 'code' in error && storageCodes.has(String(error.code));
}

const frameworkCodes: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  406: 'unsupported_media_type',
  408: 'request_timeout',
  413: 'too_large',
  414: 'url_too_long',
  415: 'unsupported_media_type',
  431: 'headers_too_large',
};

/** Errors of the framework and its plugins carry the status they mean; their messages are written for callers. */
function fromStatus(error: unknown, bodyLimitBytes: number): HttpProblem | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  const status = Number(error.statusCode);
  const code = frameworkCodes[status];
  if (code === undefined) return undefined;
  const message = 'message' in error && typeof error.message === 'string' ? error.message : code;
  // The multipart plugin says 406 for a body of another type than it takes; that is what 415 is for.
  const errors = bodyErrors(error, bodyLimitBytes);
  const detail =
    code === 'unsupported_media_type' && errors[0] !== undefined
      ? `The body is of a type that is not taken here: ${errors[0].message}.`
      : message;
  return HttpProblem.of(code, detail, { cause: error, errors });
}

function unexpected(cause: unknown): HttpProblem {
  const message = 'Something went wrong here. The request id helps to find out what.';
  return new HttpProblem(500, 'internal_error', message, { cause });
}
