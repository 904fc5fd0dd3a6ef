import type { FailureCode } from '../../domain/failures';
import { toProviderError } from '../call-failure';
import { ProviderError } from '../errors';
import type { HttpClient } from '../http/http';
import { errorBodyBytes, readText } from '../http/read-body';
import { modalUrl } from './endpoint-url';
import { strangeAnswer } from './errors';
import { modalErrorSchema, modalHealthSchema, namedJobsVersion } from './wire';

export interface NamedAppsOptions {
  http: HttpClient;
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  /** Told what an app says of itself, each time it is asked. */
  onApp?: ((app: { app: string; named: boolean }) => void) | undefined;
}

/** An app is deployed anew now and then, with named jobs or without. */
const rememberedMs = 5 * 60_000;
const connectSeconds = 5;

/** Which apps take named jobs, by the word of their `/health`. */
export class NamedApps {
  private readonly known = new Map<string, { isNamed: boolean; untilMs: number }>();
  private readonly asking = new Map<string, Promise<boolean>>();

  constructor(private readonly options: NamedAppsOptions) {}

  /**
   * Whether an app takes named jobs. Many calls ask once.
   *
   * @param patienceSeconds how long it may take to answer: a plain app answers from a GPU container that may have to start
   * @throws ProviderError when the app does not say. Nothing was sent.
   */
  async isNamed(app: string | undefined, patienceSeconds: number, signal: AbortSignal): Promise<boolean> {
    const url = modalUrl(this.options.baseUrl, app, '/health');
    const known = this.known.get(url);
    if (known !== undefined && Date.now() < known.untilMs) return known.isNamed;
    const answer = this.asking.get(url) ?? this.ask(app, url, patienceSeconds);
    return await untilAborted(answer, signal);
  }

  /** What the app last said of itself, however long ago. */
  wasNamed(app: string | undefined): boolean {
    return this.known.get(modalUrl(this.options.baseUrl, app, '/health'))?.isNamed === true;
  }

  /** Takes in what an app says of itself. */
  learn(app: string | undefined, isNamed: boolean): void {
    this.remember(app, isNamed);
  }

  /** Its last word does not hold any more. */
  forget(app: string | undefined): void {
    this.known.delete(modalUrl(this.options.baseUrl, app, '/health'));
  }

  private remember(app: string | undefined, isNamed: boolean): void {
    const { baseUrl, onApp } = this.options;
    this.known.set(modalUrl(baseUrl, app, '/health'), { isNamed, untilMs: Date.now() + rememberedMs });
    if (app !== undefined) onApp?.({ app, named: isNamed });
  }

  /** One question for all who wait; none of them may take it from the others. */
  private ask(app: string | undefined, url: string, patienceSeconds: number): Promise<boolean> {
    const answer = this.fetch(url, patienceSeconds).then((isNamed) => {
      this.remember(app, isNamed);
      return isNamed;
    });
    const asked = answer.finally(() => this.asking.delete(url));
    this.asking.set(url, asked);
    asked.catch(() => undefined);
    return asked;
  }

  private async fetch(url: string, patienceSeconds: number): Promise<boolean> {
    const { http, headers } = this.options;
    const deadlines = { connectSeconds, firstByteSeconds: patienceSeconds, idleSeconds: patienceSeconds };
    const signal = AbortSignal.timeout((connectSeconds + patienceSeconds) * 1000);
    try {
      const request = { method: 'GET', url, headers, freshConnection: true, deadlines, signal } as const;
      const reply = await http.send(request);
      const { status } = reply;
      const isNamed = isNamedIn(status, await readText(reply, errorBodyBytes));
      if (isNamed !== undefined) return isNamed;
      const retryAfter = reply.header('retry-after');
      throw strangeAnswer({ status, retryAfter, outcome: 'nothing_sent' });
    } catch (error) {
      const state = { provider: 'modal', stage: 'preparing', blankIs: 'corrupt' } as const;
      throw unsaid(toProviderError(error, state));
    }
  }
}

/** `undefined` when it is not the app that answers, or when it is not well. */
export function isNamedIn(status: number, text: string): boolean | undefined {
  const body = parse(text);
  const health = modalHealthSchema.safeParse(body).data;
  if (status === 200 && health !== undefined) return health.namedJobs === namedJobsVersion;
  // FastAPI's word for a route it does not have: the app is there, and says nothing of its health.
  const isRouteless = status === 404 && modalErrorSchema.safeParse(body).data?.detail === 'Not Found';
  return isRouteless ? false : undefined;
}

/** As long as an app does not say which form it takes, it is out: the other form may be paid twice, or not work. */
function unsaid(error: ProviderError): ProviderError {
  const { provider, retryAfterMs, status, cause } = error;
  return new ProviderError(`the health of the Modal app is not known: ${error.message}`, {
    ...{ provider, retryAfterMs, status, cause, outcome: 'nothing_sent' },
    code: codeOfHealth(error),
  });
}

/** Asking the app again at once is no better than another provider. */
function codeOfHealth({ code, failure }: ProviderError): FailureCode {
  if (['auth', 'capacity', 'outage'].includes(failure.class)) return code;
  if (code === 'connection_lost') return 'connection_failed';
  return failure.answeredBy === 'nobody' ? 'provider_silent' : 'provider_unwell';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function untilAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted();
  const aborted = new AbortController();
  try {
    const abort = new Promise<never>((_resolve, reject) => {
      const stop = () => {
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true, signal: aborted.signal });
    });
    return await Promise.race([answer, abort]);
  } finally {
    aborted.abort();
  }
}
