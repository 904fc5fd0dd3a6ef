import { htmlAnswer, jsonAnswer, textAnswer, type Answer } from './answer';
import type { Fault } from './faults';
import type { ProviderId } from './provider-id';

/** Answers that come from an edge or a proxy, before any application saw the request. */
export function simpleFaultAnswer(provider: ProviderId, fault: Fault | undefined): Answer | undefined {
  switch (fault?.name) {
    case 'rate_limited':
      return rateLimited(provider, fault);
    case 'auth_401':
      return provider === 'fal'
        ? jsonAnswer(401, { detail: 'No user found for Key ID and Secret' })
        : textAnswer(401, 'modal-http: invalid credentials for proxy authorization');
    case 'billing_403':
      return provider === 'fal'
        ? jsonAnswer(403, { detail: 'User is locked. Reason: Exhausted balance. Top up your balance.' })
        : textAnswer(403, 'modal-http: workspace has reached its spend limit');
    case 'plain_500':
      return textAnswer(500, 'modal-http: internal error: status Failure: the container was terminated');
    case 'html_502':
      return htmlAnswer(502, '502 Bad Gateway');
    case 'http_503':
      return textAnswer(503, 'service unavailable');
    case 'http_408':
      return textAnswer(408, 'request timeout');
    default:
      return undefined;
  }
}

function rateLimited(provider: ProviderId, fault: Fault): Answer {
  const { retryAfter = 2 } = fault.params;
  const headers: Record<string, string> = retryAfter === null ? {} : { 'retry-after': String(retryAfter) };
  return provider === 'fal'
    ? jsonAnswer(429, { detail: 'Too many concurrent requests', error_type: 'concurrency_limit' }, headers)
    : textAnswer(429, 'too many requests', headers);
}
