import type { FastifyRequest } from 'fastify';
import type { AccessSettings } from '../../config/access-settings';
import type { ApiServer } from '../context';
import { HttpProblem } from '../http/http-problem';
import { principalOf } from './principal';

const minuteMs = 60_000;
/** Requests without a valid key that one address may send a minute. */
const failuresPerMinute = 30;

declare module 'fastify' {
  interface FastifyRequest {
    /** It is one of many refused alike, of which the audit table needs only the first. */
    isRepeatedRefusal: boolean;
  }
}

export interface Limits {
  /** Counts a request of a known key. @throws HttpProblem 429 */
  assertMayAsk(request: FastifyRequest): Promise<void>;
  /**
   * Counts a request that nobody is known by. A valid key is let in all the same: behind a gateway everybody has one address.
   *
   * @throws HttpProblem 429
   */
  assertMayFail(request: FastifyRequest): Promise<void>;
}

/** Counted by each process for itself, a minute at a time. */
export function createLimits(
  app: ApiServer,
  { ratePerMinute }: Pick<AccessSettings, 'ratePerMinute'>,
): Limits {
  app.decorateRequest('isRepeatedRefusal', false);
  // A ban stands for the second refusal and all after it.
  const shared = { timeWindow: minuteMs, ban: 1 };
  const ofKey = app.createRateLimit({
    ...shared,
    max: ratePerMinute,
    keyGenerator: (request) => {
      const { keyId, caller } = principalOf(request);
      return keyId === undefined ? `token/${caller}` : `key/${keyId}`;
    },
  });
  const ofFailures = app.createRateLimit({ ...shared, max: failuresPerMinute });
  const assertWithin = async (request: FastifyRequest, limit: typeof ofKey): Promise<void> => {
    const count = await limit(request);
    if (count.isAllowed || !count.isExceeded) return;
    request.isRepeatedRefusal = count.isBanned;
    throw rateLimited(count);
  };
  return {
    assertMayAsk: (request) => assertWithin(request, ofKey),
    assertMayFail: (request) => assertWithin(request, ofFailures),
  };
}

function rateLimited({ max, ttlInSeconds }: { max: number; ttlInSeconds: number }): HttpProblem {
  const detail = `More than ${String(max)} requests a minute. Try again in ${String(ttlInSeconds)} s.`;
  return new HttpProblem(429, 'rate_limited', detail, { retryAfterSeconds: ttlInSeconds });
}
