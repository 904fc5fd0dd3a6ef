import type { JsonObject, JsonValue } from '../../domain/taxonomy';
import { toProviderError, type CallState } from '../call-failure';
import { DeadlineExceeded, pause } from '../deadlines';
import type { ProviderError } from '../errors';
import type { HttpClient, HttpReply, HttpRequest } from '../http';
import { inlineInput, withInputs } from '../input-values';
import { jobElsewhere, outcomeUnknown } from '../outcome-unknown';
import { discardBody, errorBodyBytes, readJson, readText } from '../read-body';
import { readResult } from '../read-result';
import { resolveSameOrigin } from '../remote-url';
import { providerRequestIdSchema } from '../request-id';
import { TransportError } from '../transport-error';
import type { CallContext, ProviderJob, ProviderResult } from '../types';
import { modalError } from './errors';
import { refused } from './refused';
import { Silence } from './silence';
import { storeResult } from './store-result';
import { callIdParameter, modalAcceptedSchema, modalHandleSchema } from './wire';

/** Modal's name for the call. What looks like no name is left out; the URL itself still works. */
function callIdOf(resultUrl: string): string | undefined {
  return providerRequestIdSchema.safeParse(new URL(resultUrl).searchParams.get(callIdParameter)).data;
}

export interface ModalCallOptions {
  http: HttpClient;
  job: ProviderJob;
  context: CallContext;
  /** Address of the job's endpoint. */
  url: string;
  /** Credentials; only ever sent to the endpoint's own origin. */
  headers: Readonly<Record<string, string>>;
  /** The caller's abort and the total deadline. */
  signal: AbortSignal;
}

/** Each is up to 150 s of waiting; browsers stop at the same number. */
const maxRedirects = 20;
/** A pending result URL may answer 408 at once. */
const pendingPauseMs = 1000;
/** Times a result URL is asked again after a lost connection, 0.5 s later at first and twice that each time. */
const maxLostReads = 3;
const lostReadPauseMs = 500;

/** One job on Modal: a POST that blocks up to 150 s, then as many blocking GETs of its result URL as it takes. */
export class ModalCall {
  readonly state: CallState = { provider: 'modal', stage: 'preparing', resumable: false, blankIs: 'corrupt' };
  private resultUrl: string | undefined;
  private brokenReads = 0;
  private readonly silence: Silence;

  constructor(private readonly options: ModalCallOptions) {
    const { job, context } = options;
    this.silence = new Silence(job.deadlines.idleSeconds, (progress) => {
      context.onProgress(progress);
    });
  }

  async run(): Promise<ProviderResult> {
    const { context } = this.options;
    try {
      return await this.awaitResult(await this.begin());
    } catch (error) {
      // The work goes on when its connection is closed, and is billed.
      if (context.signal.aborted && this.resultUrl !== undefined) context.onStopped?.('price');
      throw error;
    }
  }

  /** The first answer: to the submit, or to a look at the result of the job an earlier call left behind. */
  private async begin(): Promise<HttpReply> {
    const { previous } = this.options.context.dispatch;
    if (previous.phase === 'none') return await this.submit();
    this.state.stage = 'accepted';
    if (previous.phase === 'intent') throw outcomeUnknown('modal');
    await this.resume(previous.handle);
    return await this.fetchResult();
  }

  /** The configuration may have changed since the handle was recorded. */
  private async resume(handle: JsonValue): Promise<void> {
    const recorded = modalHandleSchema.safeParse(handle).data;
    // Written by a version with other notes: it can be asked for no more than one without any.
    if (recorded === undefined) throw outcomeUnknown('modal');
    const url = resolveSameOrigin(recorded.resultUrl, this.options.url);
    if (url === undefined) throw jobElsewhere('modal');
    this.brokenReads = recorded.brokenReads ?? 0;
    await this.remember(url);
  }

  private async submit(): Promise<HttpReply> {
    const { context, url, job } = this.options;
    const body = await this.wireBody();
    await context.dispatch.intent();
    this.state.stage = 'submitting';
    context.onProgress({ phase: 'running' });
    this.silence.begin();
    return await this.send({
      method: 'POST',
      url,
      json: body,
      freshConnection: true,
      deadlines: job.deadlines,
    });
  }

  /** Modal fetches no URLs: a string without `data:` would be taken for a file name on the server. */
  private async wireBody(): Promise<JsonObject> {
    const { job, context } = this.options;
    return await withInputs(job.parameters, job.inputs, (input) =>
      inlineInput(input, context.media, 'modal'),
    );
  }

  private async awaitResult(first: HttpReply): Promise<ProviderResult> {
    let reply = first;
    let redirects = 0;
    while (await this.isPending(reply)) {
      redirects += reply.status === 408 ? 0 : 1;
      if (redirects > maxRedirects) {
        // A redirect is Modal's word that the call is not over.
        throw refused('redirect_limit', 'Modal kept redirecting without a result', { resumable: true });
      }
      reply = await this.fetchResult();
    }
    if (reply.status !== 200) throw await this.failure(reply);
    return await this.collect(reply);
  }

  /** Whether the result must be read again, at a URL that is on record by then. */
  private async isPending(reply: HttpReply): Promise<boolean> {
    if (reply.status === 302 || reply.status === 303) {
      await discardBody(reply);
      await this.remember(this.checked(reply.header('location'), reply.url));
      return true;
    }
    if (reply.status === 202) {
      const accepted = modalAcceptedSchema.safeParse(await readJson(reply)).data;
      await this.remember(this.checked(accepted?.result_url, reply.url));
      return true;
    }
    if (reply.status !== 408 || this.resultUrl === undefined) return false;
    await discardBody(reply);
    await pause(pendingPauseMs, this.options.signal);
    return true;
  }

  /** A result URL on another host would be handed our credentials. */
  private checked(location: string | undefined, base: string): string {
    if (location === undefined) throw refused('redirect_without_location', 'Modal redirected to nowhere');
    const url = resolveSameOrigin(location, base);
    if (url === undefined) throw refused('redirect_foreign', 'Modal redirected to another host');
    return url;
  }

  private async remember(resultUrl: string): Promise<void> {
    this.state.stage = 'accepted';
    this.state.resumable = true;
    this.state.providerRequestId = callIdOf(resultUrl);
    if (this.resultUrl === resultUrl) return;
    this.resultUrl = resultUrl;
    await this.note(resultUrl);
  }

  private async note(resultUrl: string): Promise<void> {
    const { brokenReads } = this;
    await this.options.context.dispatch.accepted(
      { resultUrl, ...(brokenReads > 0 && { brokenReads }) },
      this.state.providerRequestId,
    );
  }

  /**
   * Reading again starts no new work, so a lost connection is worth some tries; a second POST would be paid again. A read
   * that hangs is left for one on a fresh connection within the idle time; that one has the whole time Modal may be silent.
   */
  private async fetchResult(): Promise<HttpReply> {
    const { signal, url, job } = this.options;
    const { firstByteSeconds, idleSeconds } = job.deadlines;
    const short = { ...job.deadlines, firstByteSeconds: Math.min(firstByteSeconds, idleSeconds) };
    let isRenewed = false;
    for (let lost = 0; ;) {
      const deadlines = isRenewed ? job.deadlines : short;
      try {
        const read = { method: 'GET', url: this.resultUrl ?? url, deadlines } as const;
        return await this.send({ ...read, freshConnection: isRenewed });
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

  private async collect(reply: HttpReply): Promise<ProviderResult> {
    const { resultUrl } = this;
    this.options.context.onProgress({ phase: 'downloading' });
    // A result that came as the answer to the submit cannot be read twice: until it is whole, its outcome is in doubt.
    if (resultUrl === undefined) return await this.store(reply);
    return await readResult(() => this.store(reply), {
      brokenReads: this.brokenReads,
      remember: async (brokenReads) => {
        this.brokenReads = brokenReads;
        await this.note(resultUrl);
      },
      explain: (error) => toProviderError(error, this.state),
    });
  }

  private async store(reply: HttpReply): Promise<ProviderResult> {
    const { job, context, signal } = this.options;
    const { mediaKind: expects, expectedSize } = job;
    const result = await storeResult(reply, context.media, { signal, expects, expectedSize });
    return { ...result, providerRequestId: this.state.providerRequestId };
  }

  private async failure(reply: HttpReply): Promise<ProviderError> {
    const body = await readText(reply, errorBodyBytes).catch(() => '');
    return modalError({
      status: reply.status,
      body,
      retryAfter: reply.header('retry-after'),
      answerTo: this.resultUrl === undefined ? 'submit' : 'result',
      providerRequestId: this.state.providerRequestId,
    });
  }

  private async send(request: Omit<HttpRequest, 'headers' | 'signal'>): Promise<HttpReply> {
    const { http, headers, signal } = this.options;
    return await this.silence.until(http.send({ ...request, headers, signal }));
  }
}

function isOfConnection(error: unknown): boolean {
  return error instanceof TransportError || error instanceof DeadlineExceeded;
}

function isSilence(error: unknown): boolean {
  return error instanceof DeadlineExceeded && error.kind === 'first_byte';
}
