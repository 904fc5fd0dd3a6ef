import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../local/stack/error-message';

export interface Answer {
  status: number;
  /** Parsed JSON; `undefined` where there is none. */
  body: unknown;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Sent as `x-caller-id`; left out: nobody in particular. */
  caller?: string | undefined;
  headers?: Record<string, string>;
  json?: unknown;
  bytes?: { data: Buffer; mediaType: string };
}

/** Thrown when no final answer came in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** An HTTP client as a customer would write it: it asks again after 429, 5xx and lost connections. */
export interface PatientClient {
  /** @throws NoAnswer when there was no final answer until the deadline; one below 500 and not 429 is final. */
  send(request: HttpRequest): Promise<Answer>;
  /** The body of a GET that ends in 200. @throws NoAnswer for anything else. */
  download(path: string, caller?: string): Promise<Buffer>;
  /** Asks again that were needed so far. */
  readonly repeats: number;
}

const oneTryMs = 15_000;
const longestWaitMs = 3_000;

/** `deadline` in milliseconds since the epoch. */
export function createPatientClient(base: string, deadline: number): PatientClient {
  let repeats = 0;
  const insist = async <T>(what: string, once: () => Promise<T | Retry>): Promise<T> => {
    for (let tries = 0; ; tries += 1) {
      const result = await once().catch(asRetry);
      if (!(result instanceof Retry)) return result;
      if (Date.now() >= deadline) throw new NoAnswer(`${what}: ${result.reason}`);
      repeats += 1;
      await delay(result.waitMs ?? Math.min(250 * 2 ** tries, longestWaitMs));
    }
  };
  return {
    send: (request) =>
      insist(`${request.method} ${request.path}`, async () => {
        const response = await call(base, request);
        const text = await response.text();
        if (isPassing(response.status)) return Retry.of(response, text);
        return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
      }),
    download: (path, caller) =>
      insist(`GET ${path}`, async () => {
        const response = await call(base, { method: 'GET', path, caller });
        if (response.ok) return Buffer.from(await response.arrayBuffer());
        const text = await response.text();
        if (isPassing(response.status)) return Retry.of(response, text);
        throw new NoAnswer(`GET ${path} is ${response.status}`);
      }),
    get repeats() {
      return repeats;
    },
  };
}

class Retry {
  constructor(
    readonly reason: string,
    readonly waitMs?: number,
  ) {}

  static of(response: Response, text: string): Retry {
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const reason = `${response.status} ${text.slice(0, 200)}`;
    return Number.isFinite(seconds)
      ? new Retry(reason, Math.min(seconds * 1000, longestWaitMs))
      : new Retry(reason);
  }
}

/** A lost connection is worth another try; a final answer is not. */
function asRetry(error: unknown): Retry {
  if (error instanceof NoAnswer) throw error;
  return new Retry(errorMessage(error));
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

function call(base: string, { method, path, caller, headers, json, bytes }: HttpRequest): Promise<Response> {
  const type = bytes?.mediaType ?? (json === undefined ? undefined : 'application/json');
  return fetch(new URL(path, base), {
    method,
    headers: {
      ...headers,
      ...(caller !== undefined && { 'x-caller-id': caller }),
      ...(type !== undefined && { 'content-type': type }),
    },
    body: bytes?.data ?? (json === undefined ? null : JSON.stringify(json)),
    signal: AbortSignal.timeout(oneTryMs),
  });
}
