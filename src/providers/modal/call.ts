import type { JsonObject, JsonValue } from '../../domain/taxonomy';
import type { CallState } from '../call-failure';
import { DeadlineExceeded, pause } from '../deadlines';
import { ProviderError } from '../errors';
import type { HttpClient, HttpReply } from '../http';
import { inlineInput, withInputs } from '../input-values';
import { discardBody, errorBodyBytes, readJson, readText } from '../read-body';
import { resolveSameOrigin } from '../remote-url';
import { saveMedia } from '../save-media';
import { TransportError } from '../transport-error';
import type { CallContext, ProviderJob, ProviderResult } from '../types';
import { modalError } from './errors';
import { callIdParameter, modalAcceptedSchema, modalHandleSchema } from './wire';

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
  private resumed = false;

  constructor(private readonly options: ModalCallOptions) {}

  async run(): Promise<ProviderResult> {
    const { previous } = this.options.context.dispatch;
    if (previous.phase === 'none') return await this.awaitResult(await this.submit());
    this.state.stage = 'accepted';
    if (previous.phase === 'intent') throw outcomeUnknown();
    this.resumed = true;
    await this.remember(this.recordedUrl(previous.handle));
    return await this.awaitResult(await this.readResult());
  }

  /** The configuration may have changed since the handle was recorded. */
  private recordedUrl(handle: JsonValue): string {
    const recorded = modalHandleSchema.safeParse(handle).data;
    const url = recorded && resolveSameOrigin(recorded.resultUrl, this.options.url);
    if (url === undefined)
      throw refused('handle_invalid', 'the result of an earlier attempt is not on this Modal host');
    return url;
  }

  private async submit(): Promise<HttpReply> {
    const { context, url } = this.options;
    const body = await this.wireBody();
    await context.dispatch.intent();
    this.state.stage = 'submitting';
    context.onProgress({ phase: 'running' });
    const reply = await this.send('POST', url, body);
    this.state.stage = 'accepted';
    return reply;
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
      if (redirects > maxRedirects)
        throw refused('redirect_limit', 'Modal kept redirecting without a result');
      reply = await this.readResult();
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
    this.state.resumable = true;
    this.state.providerRequestId = new URL(resultUrl).searchParams.get(callIdParameter) ?? undefined;
    if (this.resultUrl === resultUrl) return;
    this.resultUrl = resultUrl;
    await this.options.context.dispatch.accepted({ resultUrl });
  }

  /** Reading again starts no new work, so a lost connection is worth some tries; a second POST would be paid again. */
  private async readResult(): Promise<HttpReply> {
    const { signal, url } = this.options;
    for (let lost = 0; ; lost += 1) {
      try {
        return await this.send('GET', this.resultUrl ?? url);
      } catch (error) {
        const isConnection = error instanceof TransportError || error instanceof DeadlineExceeded;
        if (signal.aborted || !isConnection || lost >= maxLostReads) throw error;
        await pause(lostReadPauseMs * 2 ** lost, signal);
      }
    }
  }

  private async collect(reply: HttpReply): Promise<ProviderResult> {
    const { job, context, signal } = this.options;
    // What the same URL gave broken twice is broken: the next attempt starts anew.
    this.state.resumable = this.resultUrl !== undefined && !this.resumed;
    context.onProgress({ phase: 'downloading' });
    const asset = await saveMedia(reply, context.media, { signal, expects: job.mediaKind });
    return {
      assets: [asset],
      costUsd: readFigure(reply.header('x-cost-usd')),
      executionSeconds: readFigure(reply.header('x-execution-time-sec')),
      providerRequestId: this.state.providerRequestId,
    };
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

  private async send(method: 'GET' | 'POST', url: string, json?: JsonObject): Promise<HttpReply> {
    const { http, headers, signal, job } = this.options;
    const freshConnection = method === 'POST';
    return await http.send({ method, url, headers, json, freshConnection, deadlines: job.deadlines, signal });
  }
}

/** Modal knows no idempotency key: a POST that may have arrived must not be sent again. */
function outcomeUnknown(): ProviderError {
  return new ProviderError('an earlier attempt may have been accepted by Modal; its outcome is unknown', {
    provider: 'modal',
    failureClass: 'transient',
    code: 'outcome_unknown',
    certainty: 'unknown',
  });
}

function refused(code: string, message: string): ProviderError {
  return new ProviderError(message, {
    provider: 'modal',
    failureClass: 'outage',
    code,
    certainty: 'accepted',
  });
}

/** A plain decimal figure; `NaN`, `-1`, `1e999` and the like are no figures. */
function readFigure(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}(\.\d{1,12})?$/.test(header.trim()) ? Number(header) : undefined;
}
