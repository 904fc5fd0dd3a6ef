import { htmlAnswer, jsonAnswer, textAnswer, type Answer } from '../http/answer';
import type { FaultName } from './fault-catalogue';
import type { Fault } from './faults';
import type { ProviderId } from '../provider-id';

const answers: Partial<Record<FaultName, (provider: ProviderId, fault: Fault) => Answer>> = {
  rate_limited: rateLimited,
  auth_401: (provider) =>
    provider === 'fal'
      ? jsonAnswer(401, { detail: 'No user found for Key ID and Secret' })
      : textAnswer(401, 'modal-http: invalid credentials for proxy authorization'),
  billing_403: (provider) =>
    provider === 'fal'
      ? jsonAnswer(403, { detail: 'User is locked. Reason: Exhausted balance. Top up your balance.' })
      : textAnswer(403, 'modal-http: workspace has reached its spend limit'),
  plain_500: (provider) =>
    textAnswer(500, provider === 'modal' ? containerCrash : '500 Internal Server Error: internal error'),
  html_502: () => badGateway,
  http_503: () => textAnswer(503, 'service unavailable'),
  http_408: () => textAnswer(408, 'request timeout'),
  http_504: () => gatewayTimeout,
  app_stopped: () => textAnswer(404, 'modal-http: app for invoked web endpoint is stopped'),
  poll_status: (_provider, { params: { status = 302 } }) => oddAnswer(status),
};

/** What a proxy says when nothing came from behind it in time. */
const gatewayTimeout = textAnswer(504, 'upstream request timeout');
/** What a proxy says when it lost whoever was behind it. */
const badGateway = htmlAnswer(502, '502 Bad Gateway');

/** What is said of a submit that was accepted, by something that stands between the provider and its caller. */
export function lostAcceptance(fault: Fault | undefined): Answer | 'reset' | undefined {
  if (fault?.name === 'submit_lost') return 'reset';
  if (fault?.name === 'accepted_504') return gatewayTimeout;
  return fault?.name === 'accepted_502' ? badGateway : undefined;
}

/** What Modal's edge says when a container dies while it works. */
export const containerCrash = 'modal-http: internal error: status Failure: the container was terminated';

/** Answers that come from an edge or a proxy, before any application saw the request. */
export function simpleFaultAnswer(provider: ProviderId, fault: Fault | undefined): Answer | undefined {
  return fault === undefined ? undefined : answers[fault.name]?.(provider, fault);
}

/** What something in between says of a job it knows nothing about. */
function oddAnswer(status: number): Answer {
  if (status >= 400) return jsonAnswer(status, { detail: 'The request could not be processed' });
  const headers: Record<string, string> = status === 204 ? {} : { location: '/login' };
  return { status, headers, body: Buffer.alloc(0) };
}

function rateLimited(provider: ProviderId, fault: Fault): Answer {
  const { retryAfter = 2 } = fault.params;
  const headers: Record<string, string> = retryAfter === null ? {} : { 'retry-after': String(retryAfter) };
  return provider === 'fal'
    ? jsonAnswer(429, { detail: 'Too many concurrent requests', error_type: 'concurrency_limit' }, headers)
    : textAnswer(429, 'too many requests', headers);
}
