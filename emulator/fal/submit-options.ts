import type { FastifyRequest } from 'fastify';
import { jsonAnswer, type Answer } from '../http/answer';

/** What a submit asks for beside its input. */
export interface SubmitOptions {
  /** Where the result is posted to; only the queue takes one. */
  webhookUrl: string | undefined;
  /** Provider seconds within which a runner must have taken the request up. */
  startTimeoutSeconds: number | undefined;
  noRetry: boolean;
  /** Whether input and output are kept for the platform API. */
  storePayloads: boolean;
}

/** Shortest start timeout the vendor takes. */
const shortestStartSeconds = 0.1;

/** Reads headers and query of a submit, or tells what is wrong with them. */
export function readSubmitOptions(request: FastifyRequest): SubmitOptions | Answer {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const queued = pathname.startsWith('/queue/');
  const webhookUrl = (queued ? searchParams.get('fal_webhook') : null) ?? undefined;
  if (webhookUrl !== undefined && !isHttpUrl(webhookUrl)) {
    return badRequest('fal_webhook must be an http or https URL');
  }
  // The documentation of autumn 2026 has both names for the same limit, the second one being the older.
  const limit = header(request, 'x-fal-request-start-timeout') ?? header(request, 'x-fal-request-timeout');
  const startTimeoutSeconds = limit === undefined ? undefined : Number(limit);
  if (startTimeoutSeconds !== undefined && !(startTimeoutSeconds > shortestStartSeconds)) {
    return badRequest(`The start timeout must be more than ${shortestStartSeconds} seconds`);
  }
  const noRetry = ['1', 'true', 'yes'].includes(header(request, 'x-fal-no-retry') ?? '');
  const storePayloads = header(request, 'x-fal-store-io') !== '0';
  return { webhookUrl, startTimeoutSeconds, noRetry, storePayloads };
}

function badRequest(detail: string): Answer {
  return jsonAnswer(400, { detail });
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value.trim().toLowerCase() : undefined;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
