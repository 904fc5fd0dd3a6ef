import type { HttpReply } from './http';

/** Longest wait a provider may ask of us; anything above is cut to it. */
export const longestRetryAfterMs = 600_000;

const secondsPattern = /^\d+(\.\d+)?$/;
/** The one date format RFC 9110 lets a server send. `Date.parse` alone would find a date in "soon, maybe 5". */
const httpDatePattern = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Milliseconds a `Retry-After` header asks for, at most {@link longestRetryAfterMs}. `undefined` when it asks for no
 * wait: absent, garbage, negative, zero or a moment that has passed.
 */
export function parseRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const waitMs = readWaitMs(header?.trim() ?? '', nowMs);
  return waitMs > 0 ? Math.min(waitMs, longestRetryAfterMs) : undefined;
}

/** What the `Retry-After` of a reply asks for; see {@link parseRetryAfterMs}. */
export function askedWaitMs(reply: Pick<HttpReply, 'header'>): number | undefined {
  return parseRetryAfterMs(reply.header('retry-after'), Date.now());
}

/** NaN when the header holds neither seconds nor a date. */
function readWaitMs(header: string, nowMs: number): number {
  if (secondsPattern.test(header)) return Math.ceil(Number(header) * 1000);
  return httpDatePattern.test(header) ? Date.parse(header) - nowMs : NaN;
}
