import type { Readable } from 'node:stream';
import type { Billing } from '../../domain/attempt-record';
import { callbackToken } from '../../domain/callback-key';
import type { JsonObject } from '../../domain/taxonomy';
import { ProviderError } from '../errors';
import type { HttpClient, HttpReply, HttpRequest, RequestDeadlines } from '../http/http';
import { errorBodyBytes, readJson, readText } from '../http/read-body';
import { resolveSameOrigin } from '../http/remote-url';
import { askedWaitMs } from '../http/retry-after';
import { falError, type FalFailure, type FalStep } from './errors';
import {
  falCancelSchema,
  falOutputSchema,
  falStatusSchema,
  falSubmitSchema,
  falUploadSchema,
  type FalHandle,
  type FalOutput,
  type FalStatus,
} from './wire';

export interface FalClientSettings {
  /** Such as `https://queue.fal.run`. */
  queueUrl: string;
  /** Such as `https://rest.fal.ai`, where uploads begin. */
  restUrl: string;
  /** Never sent to any other origin than those of the three URLs. */
  key: string;
  /** Hosts media may come from and go to: `host` allows its subdomains too, `host:port` is exact. */
  mediaHosts: readonly string[];
  /** Such as `https://api.fal.ai`, where requests are listed and prices told. Gets our key too. */
  platformUrl: string;
  /** Our own address as Fal can reach it. Left out: no call-backs. */
  publicBaseUrl?: string | undefined;
  /** What call-backs have told. */
  callbacks?: FalCallbacks | undefined;
  /** The unit price by our own table, for where Fal tells none. */
  tablePrice?: ((endpoint: string) => UnitPrice | undefined) | undefined;
  /** Called once when Fal does not let our key list requests: a submit without an answer cannot be found then. */
  onCannotList?: ((status: number) => void) | undefined;
  /**
   * Seconds after its submit within which a request is in Fal's list, if there ever was one. Default: what the limits
   * of its job allow, and two minutes for the list.
   */
  settleSeconds?: number | undefined;
  /** Milliseconds before the first status request; later ones come ever more slowly. Default 500. */
  firstPollPauseMs?: number | undefined;
}

/** What is on record of Fal's requests: told by call-backs, and by our own submits. */
export interface FalCallbacks {
  /** Keeps that this request is this job, as the answer to its submit says. */
  claim(requestId: string, jobKey: string): Promise<void>;
  /** The request that is on record for this job, and since when (ISO 8601). */
  lookUp(jobKey: string): Promise<{ requestId: string; knownSince: string } | undefined>;
  /** Which of these requests belong to other jobs of ours. */
  takenByOthers(requestIds: readonly string[], jobKey: string): Promise<string[]>;
}

/** What Fal charges for one unit of an endpoint. */
export type UnitPrice = Omit<Billing, 'units'>;

/** Limits of one exchange. */
export interface ExchangeOptions {
  deadlines: RequestDeadlines;
  signal: AbortSignal;
}

/** The least Fal takes for a limit of the start, rounded up to whole seconds. */
const shortestStartSeconds = 1;
/** First segments of an endpoint id after which its owner and name come. */
const namespaces: readonly string[] = ['workflows', 'comfy'];

/** Fal's HTTP calls, one plain request each. All throw ProviderError for an error answer. */
export class FalApi {
  constructor(
    private readonly http: HttpClient,
    readonly settings: FalClientSettings,
  ) {}

  /**
   * The one paid request. Fal itself gives it up, unpaid, when it was not started within `startSeconds`, and makes no
   * second try of its own.
   *
   * @throws ProviderError also when the answer names no way back to a job.
   */
  async submit(
    { jobKey, endpoint, startSeconds }: { jobKey: string; endpoint: string; startSeconds: number },
    json: JsonObject,
    options: ExchangeOptions,
  ): Promise<FalHandle> {
    const url = `${trimmed(this.settings.queueUrl)}/${endpoint}${this.callbackQuery(jobKey)}`;
    const headers = {
      'x-fal-request-start-timeout': String(Math.max(shortestStartSeconds, Math.ceil(startSeconds))),
      'x-fal-no-retry': '1',
    };
    const reply = await this.send({ method: 'POST', url, json, headers, freshConnection: true, ...options });
    if (!isSuccess(reply)) throw await failureOf(reply, 'submit');
    const submitted = falSubmitSchema.safeParse(await readJson(reply)).data;
    if (submitted === undefined) throw unnamedJob();
    return this.checkedHandle({
      ...(submitted.request_id !== undefined && { requestId: submitted.request_id }),
      statusUrl: submitted.status_url,
      responseUrl: submitted.response_url,
      cancelUrl: submitted.cancel_url,
      endpoint,
    });
  }

  /** The same handle. @throws ProviderError when one of its URLs would take our key to another host. */
  checkedHandle(handle: FalHandle): FalHandle {
    if (this.isOurs(handle)) return handle;
    throw new ProviderError('Fal named URLs on another host than its own', {
      provider: 'fal',
      code: 'url_foreign',
      outcome: 'still_there',
      providerRequestId: handle.requestId,
    });
  }

  /** Whether all its URLs are on the queue's own host, so that our key may go there. */
  isOurs({ statusUrl, responseUrl, cancelUrl }: FalHandle): boolean {
    const { queueUrl } = this.settings;
    return [statusUrl, responseUrl, cancelUrl].every((url) => resolveSameOrigin(url, queueUrl) === url);
  }

  async status({ statusUrl, requestId }: FalHandle, options: ExchangeOptions): Promise<FalStatus> {
    const reply = await this.send({ method: 'GET', url: statusUrl, ...options });
    if (!isSuccess(reply)) throw await failureOf(reply, 'status', { providerRequestId: requestId });
    const status = falStatusSchema.safeParse(await readJson(reply)).data;
    if (status === undefined)
      throw invalidReply('Fal answered a status request with something else', requestId);
    return status;
  }

  /** The handle of a request whose submit was not answered, by Fal's own rule for its URLs. */
  handleOf(requestId: string, endpoint: string): FalHandle {
    const segments = endpoint.split('/');
    const app = segments.slice(0, namespaces.includes(segments[0] ?? '') ? 3 : 2).join('/');
    const own = `${trimmed(this.settings.queueUrl)}/${app}/requests/${requestId}`;
    return { requestId, statusUrl: `${own}/status`, responseUrl: own, cancelUrl: `${own}/cancel`, endpoint };
  }

  /**
   * What a finished job gave.
   *
   * @param bill is told how many units Fal charges, also where the job failed; its answer is what they cost in USD
   */
  async result(
    { responseUrl, requestId }: FalHandle,
    bill: (units: number) => number | undefined,
    options: ExchangeOptions,
  ): Promise<FalOutput> {
    const reply = await this.send({ method: 'GET', url: responseUrl, ...options });
    const units = Number(reply.header('x-fal-billable-units') ?? NaN);
    const billedUsd = Number.isFinite(units) && units >= 0 ? bill(units) : undefined;
    if (!isSuccess(reply))
      throw await failureOf(reply, 'result', { providerRequestId: requestId, billedUsd });
    const output = falOutputSchema.safeParse(await readJson(reply)).data;
    if (output === undefined)
      throw invalidReply('the result of the job is no output of a Fal endpoint', requestId);
    return output;
  }

  /** Fal's word on it, such as `CANCELLATION_REQUESTED` or `ALREADY_COMPLETED`. */
  async cancel({ cancelUrl }: FalHandle, options: ExchangeOptions): Promise<string | undefined> {
    const reply = await this.send({ method: 'PUT', url: cancelUrl, ...options });
    return falCancelSchema.safeParse(await readJson(reply, errorBodyBytes)).data?.status;
  }

  /** Where to put a file, and the URL it will have. */
  async beginUpload(
    file: { contentType: string; fileName: string },
    options: ExchangeOptions,
  ): Promise<{ uploadUrl: string; fileUrl: string }> {
    const url = `${trimmed(this.settings.restUrl)}/storage/upload/initiate?storage_type=fal-cdn-v3`;
    const json = { content_type: file.contentType, file_name: file.fileName };
    const reply = await this.send({ method: 'POST', url, json, ...options });
    if (!isSuccess(reply)) throw await failureOf(reply, 'upload');
    const upload = falUploadSchema.safeParse(await readJson(reply)).data;
    if (upload === undefined) throw uploadFailed('Fal named no place to upload to', reply);
    return { uploadUrl: upload.upload_url, fileUrl: upload.file_url };
  }

  /** Streams a file to the place `beginUpload` named, which takes no key. */
  async putFile(
    url: string,
    file: { stream: Readable; contentType: string; bytes: number },
    options: ExchangeOptions,
  ): Promise<void> {
    const headers = { 'content-type': file.contentType, 'content-length': String(file.bytes) };
    const reply = await this.http.send({ method: 'PUT', url, headers, body: file.stream, ...options });
    await readText(reply, errorBodyBytes);
    if (!isSuccess(reply)) throw uploadFailed('an input picture could not be uploaded to Fal', reply);
  }

  /** Media URLs are public: no key goes there. */
  async openMedia(url: string, options: ExchangeOptions): Promise<HttpReply> {
    return await this.http.send({ method: 'GET', url, ...options });
  }

  /** One exchange with our key. For Fal's own three addresses only. */
  async send(request: HttpRequest): Promise<HttpReply> {
    const headers = { accept: 'application/json', authorization: `Key ${this.settings.key}` };
    return await this.http.send({ ...request, headers: { ...headers, ...request.headers } });
  }

  private callbackQuery(jobKey: string): string {
    const { publicBaseUrl, key } = this.settings;
    if (publicBaseUrl === undefined) return '';
    const url = `${trimmed(publicBaseUrl)}/v1/provider-callbacks/fal/${callbackToken(jobKey, key)}`;
    return `?fal_webhook=${encodeURIComponent(url)}`;
  }
}

/** An error answer as the failure it stands for. */
export async function failureOf(
  reply: HttpReply,
  step: FalStep,
  known: Pick<FalFailure, 'providerRequestId' | 'billedUsd'> = {},
): Promise<ProviderError> {
  const body = await readText(reply, errorBodyBytes).catch(() => '');
  return falError({ status: reply.status, body, step, header: (name) => reply.header(name), ...known });
}

/** A base URL as a path can be hung on it. */
export function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}

/** 2xx; a status answer is 202 while the job is under way. */
export function isSuccess({ status }: HttpReply): boolean {
  return status >= 200 && status < 300;
}

/** A page of something in between, or a job without a way back to it: nobody can tell which. */
function unnamedJob(): ProviderError {
  return new ProviderError('the answer to the submit names no job', {
    provider: 'fal',
    code: 'reply_invalid',
    outcome: 'nobody_knows',
  });
}

/** Says nothing about the job: it can be asked about again. */
function invalidReply(message: string, providerRequestId: string | undefined): ProviderError {
  const code = 'reply_invalid';
  return new ProviderError(message, {
    provider: 'fal',
    code,
    outcome: 'still_there',
    providerRequestId,
  });
}

/** What a file host asks for says nothing of Fal itself. */
function uploadFailed(message: string, reply: HttpReply): ProviderError {
  const code = askedWaitMs(reply) === undefined ? 'upload_failed' : 'media_host_busy';
  return new ProviderError(message, {
    provider: 'fal',
    code,
    outcome: 'nothing_sent',
    status: reply.status,
    retryAfterMs: askedWaitMs(reply),
  });
}
