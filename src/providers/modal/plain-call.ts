import type { JsonObject, JsonValue } from '../../domain/taxonomy';
import { type CallState, runVerb, toProviderError } from '../call-failure';
import { DeadlineExceeded, pause } from '../http/deadlines';
import { ProviderError } from '../errors';
import type { HttpClient, HttpReply, HttpRequest } from '../http/http';
import { inlineInput, withInputs } from '../input-values';
import { jobElsewhere, outcomeUnknown } from '../outcome-unknown';
import { discardBody, errorBodyBytes, readJson, readText } from '../http/read-body';
import { readResult } from '../read-result';
import { resolveSameOrigin } from '../http/remote-url';
import { providerRequestIdSchema } from '../http/request-id';
import { TransportError } from '../http/transport-error';
import type { MediaStore } from '../../domain/media';
import type {
  CallProgress,
  CollectContext,
  FindContext,
  ProviderJob,
  ProviderResult,
  SubmitContext,
  Submitted,
} from '../types';
import { modalError } from './errors';
import { Silence } from './silence';
import { storeResult } from './store-result';
import { callIdParameter, modalAcceptedSchema, plainHandleSchema } from './wire';
import type { FailureCode } from '../../domain/failures';

export interface PlainCallOptions {
  http: HttpClient;
  job: ProviderJob;
  /** Address of the job's endpoint. */
  url: string;
  /** Credentials; only ever sent to the endpoint's own origin. */
  headers: Readonly<Record<string, string>>;
}

/** Each is up to 150 s of waiting; browsers stop at the same number. */
const maxRedirects = 20;
/** A pending result URL may answer 408 at once. */
const pendingPauseMs = 1000;
/** Times a result URL is asked again after a lost connection, 0.5 s later at first and twice that each time. */
const maxLostReads = 3;
const lostReadPauseMs = 500;

/**
 * Sends one call that has no name: a POST that blocks up to 150 s. Its answer is the result, or the way to it. Where the
 * answer is lost, nobody can find the call.
 */
export async function submitPlain(options: PlainCallOptions, context: SubmitContext): Promise<Submitted> {
  const { job, url } = options;
  const state = callState('preparing');
  return await runVerb(context.signal, state, async () => {
    const json = await wireBody(job, context.media);
    await context.intent();
    state.stage = 'submitting';
    context.onProgress({ phase: 'running' });
    const exchange = new Exchange(options, context);
    const { deadlines } = job;
    const reply = await exchange.send({ method: 'POST', url, json, freshConnection: true, deadlines });
    const resultUrl = await resultUrlIn(reply);
    if (resultUrl !== undefined)
      return { kind: 'accepted', handle: { resultUrl }, providerRequestId: callIdOf(resultUrl) };
    if (reply.status !== 200) throw await failureOf(reply, 'submit');
    // A result that came as the answer to the submit cannot be read twice: until it is whole, its outcome is in doubt.
    return { kind: 'finished', result: await exchange.store(reply, context.media) };
  });
}

/** Waits for a call at its result URL: as many blocking GETs as it takes. */
export async function collectPlain(
  options: PlainCallOptions,
  handle: JsonValue,
  context: CollectContext,
): Promise<ProviderResult> {
  const state = callState('accepted');
  return await runVerb(context.signal, state, async () => {
    return await new PlainCollect(options, context, state).run(handle);
  });
}

export function isPlainHandle(handle: JsonValue): boolean {
  return plainHandleSchema.safeParse(handle).success;
}

/** The body of a call. Modal fetches no URLs: a string without `data:` would be taken for a file name on the server. */
export async function wireBody(
  { parameters, inputs }: Pick<ProviderJob, 'parameters' | 'inputs'>,
  media: MediaStore,
): Promise<JsonObject> {
  return await withInputs(parameters, inputs, (input) => inlineInput(input, media, 'modal'));
}

function callState(stage: CallState['stage']): CallState {
  return { provider: 'modal', stage, blankIs: 'corrupt' };
}

/** Requests of one call, and what its caller is shown of Modal's silence. */
class Exchange {
  private readonly silence: Silence;

  constructor(
    private readonly options: PlainCallOptions,
    private readonly context: FindContext & { onProgress(progress: CallProgress): void },
  ) {
    this.silence = new Silence(options.job.deadlines.idleSeconds, (progress) => {
      context.onProgress(progress);
    });
  }

  async send(request: Omit<HttpRequest, 'headers' | 'signal'>): Promise<HttpReply> {
    const { http, headers } = this.options;
    const { signal } = this.context;
    return await this.silence.until(http.send({ ...request, headers, signal }));
  }

  async store(reply: HttpReply, media: MediaStore): Promise<ProviderResult> {
    const { mediaKind: expects, expectedSize } = this.options.job;
    this.context.onProgress({ phase: 'downloading' });
    return await storeResult(reply, media, { signal: this.context.signal, expects, expectedSize });
  }
}

/** One collect of a plain call. */
class PlainCollect {
  private readonly exchange: Exchange;
  private resultUrl: string;
  private brokenReads = 0;

  constructor(
    private readonly options: PlainCallOptions,
    private readonly context: CollectContext,
    private readonly state: CallState,
  ) {
    this.exchange = new Exchange(options, context);
    this.resultUrl = options.url;
  }

  async run(handle: JsonValue): Promise<ProviderResult> {
    this.resume(handle);
    let reply = await this.fetchResult();
    for (let redirects = 0; await this.isPending(reply);) {
      redirects += reply.status === 408 ? 0 : 1;
      // A redirect is Modal's word that the call is not over.
      if (redirects >= maxRedirects)
        throw refused('redirect_limit', 'Modal kept redirecting without a result');
      reply = await this.fetchResult();
    }
    if (reply.status !== 200) throw await failureOf(reply, 'result', this.state.providerRequestId);
    return await this.read(reply);
  }

  /** The configuration may have changed since the handle was recorded. */
  private resume(handle: JsonValue): void {
    const recorded = plainHandleSchema.safeParse(handle).data;
    // Written by a version with other notes: it can be asked for no more than one without any.
    if (recorded === undefined) throw outcomeUnknown('modal');
    const url = resolveSameOrigin(recorded.resultUrl, this.options.url);
    if (url === undefined) throw jobElsewhere('modal');
    this.brokenReads = recorded.brokenReads ?? 0;
    this.follow(url);
  }

  private follow(resultUrl: string): void {
    this.resultUrl = resultUrl;
    this.state.providerRequestId = callIdOf(resultUrl);
  }

  /** Whether the result must be read again, at a URL that is on record by then. */
  private async isPending(reply: HttpReply): Promise<boolean> {
    if (reply.status === 408) {
      await discardBody(reply);
      await pause(pendingPauseMs, this.context.signal);
      return true;
    }
    const resultUrl = await resultUrlIn(reply);
    if (resultUrl === undefined) return false;
    if (resultUrl === this.resultUrl) return true;
    this.follow(resultUrl);
    await this.note();
    return true;
  }

  private async note(): Promise<void> {
    const { resultUrl, brokenReads } = this;
    await this.context.remember({ resultUrl, ...(brokenReads > 0 && { brokenReads }) });
  }

  /**
   * Reading again starts no new work, so a lost connection is worth some tries; a second POST would be paid again. A read
   * that hangs is left for one on a fresh connection within the idle time; that one has the whole time Modal may be silent.
   */
  private async fetchResult(): Promise<HttpReply> {
    const { job } = this.options;
    const { signal } = this.context;
    const { firstByteSeconds, idleSeconds } = job.deadlines;
    const short = { ...job.deadlines, firstByteSeconds: Math.min(firstByteSeconds, idleSeconds) };
    let isRenewed = false;
    for (let lost = 0; ;) {
      const deadlines = isRenewed ? job.deadlines : short;
      try {
        const read = { method: 'GET', url: this.resultUrl, deadlines } as const;
        return await this.exchange.send({ ...read, freshConnection: isRenewed });
      } catch (error) {
        if (signal.aborted || !isOfConnection(error)) throw error;
        if (isSilence(error) && !isRenewed) {
          isRenewed = true;
          continue;
        }
        if (lost >= maxLostReads) throw error;
        await pause(lostReadPauseMs * 2 ** lost, signal);
        lost += 1;
      }
    }
  }

  private async read(reply: HttpReply): Promise<ProviderResult> {
    const { context, state } = this;
    const result = await readResult(() => this.exchange.store(reply, context.media), {
      brokenReads: this.brokenReads,
      remember: async (brokenReads) => {
        this.brokenReads = brokenReads;
        await this.note();
      },
      explain: (error) => toProviderError(error, state),
    });
    return { ...result, providerRequestId: state.providerRequestId };
  }
}

/**
 * Where the result of a call that goes on can be read; `undefined` when the answer is another one.
 *
 * @throws ProviderError for a redirect that leads to no result: to nowhere, or to another host, which would be handed our
 * credentials.
 */
async function resultUrlIn(reply: HttpReply): Promise<string | undefined> {
  if (![202, 302, 303].includes(reply.status)) return undefined;
  const location = await locationIn(reply);
  if (location === undefined) throw refused('redirect_without_location', 'Modal redirected to nowhere');
  const url = resolveSameOrigin(location, reply.url);
  if (url === undefined) throw refused('redirect_foreign', 'Modal redirected to another host');
  if (!new URL(url).searchParams.has(callIdParameter))
    throw refused('redirect_unsupported', 'Modal redirected to something that is no call', reply.status);
  return url;
}

async function locationIn(reply: HttpReply): Promise<string | undefined> {
  if (reply.status === 202) return modalAcceptedSchema.safeParse(await readJson(reply)).data?.result_url;
  await discardBody(reply);
  return reply.header('location');
}

async function failureOf(
  reply: HttpReply,
  answerTo: 'submit' | 'result',
  providerRequestId?: string,
): Promise<ProviderError> {
  const body = await readText(reply, errorBodyBytes).catch(() => '');
  const retryAfter = reply.header('retry-after');
  return modalError({ status: reply.status, body, retryAfter, answerTo, providerRequestId });
}

/** Modal's name for the call. What looks like no name is left out; the URL itself still works. */
function callIdOf(resultUrl: string): string | undefined {
  return providerRequestIdSchema.safeParse(new URL(resultUrl).searchParams.get(callIdParameter)).data;
}

function isOfConnection(error: unknown): boolean {
  return error instanceof TransportError || error instanceof DeadlineExceeded;
}

function isSilence(error: unknown): boolean {
  return error instanceof DeadlineExceeded && error.kind === 'first_byte';
}

/** The failure of a call that Modal took and whose way to the result we do not follow, or no longer. It runs on. */
function refused(code: FailureCode, message: string, status?: number): ProviderError {
  return new ProviderError(message, {
    ...{ provider: 'modal', code, outcome: 'still_there', status },
  });
}
