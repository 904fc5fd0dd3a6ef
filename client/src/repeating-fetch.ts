import { NoAnswer, type Problem } from './errors';

export interface RepeatOptions {
  fetch: (request: Request) => Promise<Response>;
  /** Requests sent at the most, the first one included. */
  tries: number;
  /** Longest wait for one answer. */
  timeoutMs: number;
  /** Longest pause that a server may ask for; beyond it the answer is handed on. */
  longestPauseMs: number;
}

/**
 * Sends a request again after a lost connection, and after a 429 or 503 that says it may help, but only where doing it twice
 * does nothing twice. It is the very same request: the key in its headers was made before.
 *
 * @throws NoAnswer
 */
export async function repeatingFetch(request: Request, options: RepeatOptions): Promise<Response> {
  const tries = mayRepeat(request) ? options.tries : 1;
  for (let number = 1; ; number += 1) {
    const answer = await oneTry(request.clone(), options).catch((error: unknown) => lost(error, request));
    const isLast = number >= tries;
    if (answer instanceof NoAnswer) {
      if (isLast) throw answer;
      await pause(backoffMs(number), request.signal);
      continue;
    }
    if (isLast || ![429, 502, 503, 504].includes(answer.status)) return answer;
    const pauseMs = await askedPauseMs(answer, number);
    if (pauseMs === undefined || pauseMs > options.longestPauseMs) return answer;
    await answer.body?.cancel();
    await pause(pauseMs, request.signal);
  }
}

async function oneTry(request: Request, { fetch, timeoutMs }: RepeatOptions): Promise<Response> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  return await fetch(new Request(request, { signal }));
}

/** @throws what the caller aborted with */
function lost(cause: unknown, { method, url, signal }: Request): NoAnswer {
  signal.throwIfAborted();
  return new NoAnswer(`${method} ${url} got no answer`, { cause });
}

/** Posts that do nothing more the second time; all others need their key. */
const harmlessPosts = [/\/v1\/assets$/, /\/v1\/route-plans$/, /\/cancel$/, /\/retry-now$/];

function mayRepeat({ method, headers, url }: Request): boolean {
  if (method !== 'POST') return true;
  return headers.has('idempotency-key') || harmlessPosts.some((form) => form.test(new URL(url).pathname));
}

/** `undefined`: repeating it would not help, or is not safe. */
async function askedPauseMs(answer: Response, number: number): Promise<number | undefined> {
  const { retry } = (await answer
    .clone()
    .json()
    .catch(() => ({}))) as Partial<Problem>;
  // Something in between, such as a gateway, says nothing of itself; the request is one that may be repeated.
  if (retry === undefined) return backoffMs(number);
  if (!retry.safe || !retry.helps) return undefined;
  return retry.afterSeconds === null ? backoffMs(number) : retry.afterSeconds * 1000;
}

/** Doubling from half a second, each somewhat different, so that many clients do not come back at once. */
function backoffMs(number: number): number {
  return Math.min(500 * 2 ** (number - 1), 8000) * (0.75 + Math.random() / 2);
}

/** @throws what `signal` aborts with */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      end();
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      end();
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort);
  });
}
