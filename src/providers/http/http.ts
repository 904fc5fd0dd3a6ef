import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import axios, { AxiosHeaders, type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import type { HttpDeadlines } from '../../domain/plan';
import { DeadlineExceeded } from './deadlines';
import { guardBody } from './guard-body';
import { TransportError } from './transport-error';

export type RequestDeadlines = Pick<
  HttpDeadlines,
  'connectSeconds' | 'firstByteSeconds' | 'idleSeconds' | 'downloadSeconds'
>;

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is; give `content-type` and `content-length` in the headers. Not together with `json`. */
  body?: Readable | Buffer | undefined;
  /**
   * Set on a paid submit: a connection from the pool may just have been closed by the server, and then nobody can
   * tell whether the request was read. Default false.
   */
  freshConnection?: boolean | undefined;
  deadlines: RequestDeadlines;
  /** Stops the request, and the reply's body too. */
  signal: AbortSignal;
}

export interface HttpReply {
  status: number;
  /** The URL that was asked, against which a relative Location resolves. */
  url: string;
  /** A header's value by name, whatever its case. */
  header(name: string): string | undefined;
  /**
   * The streamed body: read it to its end or destroy it. Breaks with a {@link TransportError} of phase `body`, with a
   * `DeadlineExceeded`, or with the signal's reason.
   */
  body: Readable;
}

/** One plain HTTP exchange: no retries, no redirects, no proxy from the environment, every status is an answer. */
export interface HttpClient {
  /**
   * Resolves when the status line and the headers are there.
   *
   * @throws TransportError when the connection fails, DeadlineExceeded when it is too slow, or the signal's reason.
   */
  send(request: HttpRequest): Promise<HttpReply>;
}

/**
 * Milliseconds of silence after which the system probes the peer. A paid answer may take minutes, and only so is it
 * known meanwhile whether anybody is still there to give it.
 */
const probeAfterMs = 10_000;

/** A client with its own pool of connections; one per provider client. */
export function createHttpClient(): HttpClient {
  const pooled = axios.create(instanceOptions(true));
  const fresh = axios.create(instanceOptions(false));
  return {
    send: async (request) => await send(request.freshConnection === true ? fresh : pooled, request),
  };
}

function instanceOptions(keepAlive: boolean): AxiosRequestConfig {
  return {
    adapter: 'http',
    proxy: false,
    maxRedirects: 0,
    validateStatus: () => true,
    responseType: 'stream',
    // axios buffers a stream to replay it on redirects unless told that there is no limit.
    maxBodyLength: Infinity,
    maxContentLength: -1,
    httpAgent: new http.Agent({ keepAlive }),
    httpsAgent: new https.Agent({ keepAlive }),
    headers: { 'user-agent': 'ryla-generation' },
  };
}

async function send(instance: AxiosInstance, request: HttpRequest): Promise<HttpReply> {
  const watch = new RequestWatch(request);
  try {
    const { status, headers, data } = await instance.request<Readable>(watch.axiosRequest());
    return {
      status,
      url: request.url,
      header: (name) => readHeader(headers, name),
      body: guardBody(data, { signal: request.signal, ...request.deadlines }),
    };
  } catch (error) {
    throw watch.explain(error);
  } finally {
    watch.close();
  }
}

function readHeader(headers: AxiosResponse['headers'], name: string): string | undefined {
  const value = headers instanceof AxiosHeaders ? headers.get(name) : undefined;
  return value === null || value === undefined ? undefined : String(value);
}

/** Follows one request from its first packet to the reply's headers: deadlines, abort, and how far it came. */
class RequestWatch {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private connected = false;

  constructor(private readonly request: HttpRequest) {
    if (request.signal.aborted) this.stop();
    request.signal.addEventListener('abort', this.stop, { once: true });
    this.expect('connect', request.deadlines.connectSeconds);
  }

  axiosRequest(): AxiosRequestConfig {
    const { method, url, headers, json, body } = this.request;
    return {
      method,
      url,
      headers: { ...(json !== undefined && { 'content-type': 'application/json' }), ...headers },
      data: json === undefined ? body : Buffer.from(JSON.stringify(json)),
      signal: this.controller.signal,
      transport: { request: this.openRequest },
    };
  }

  /** The error to throw: the reason we stopped it, or how far the connection came. */
  explain(error: unknown): unknown {
    if (this.controller.signal.aborted) return this.controller.signal.reason;
    return new TransportError(this.connected ? 'reply' : 'connect', error);
  }

  close(): void {
    clearTimeout(this.timer);
    this.request.signal.removeEventListener('abort', this.stop);
  }

  private readonly stop = (): void => {
    this.controller.abort(this.request.signal.reason);
  };

  /** axios hides the socket, and only the socket can tell a slow connection from a slow answer. */
  private readonly openRequest = (
    options: https.RequestOptions,
    onReply: (reply: http.IncomingMessage) => void,
  ): http.ClientRequest => {
    const secure = options.protocol === 'https:';
    const request = (secure ? https : http).request(options, onReply);
    request.once('socket', (socket) => {
      const connected = (): void => {
        // Every time: the pool sets its own delay on a connection that comes back to it.
        socket.setKeepAlive(true, probeAfterMs);
        this.onConnected();
      };
      if (request.reusedSocket) connected();
      else socket.once(secure ? 'secureConnect' : 'connect', connected);
    });
    return request;
  };

  private onConnected(): void {
    this.connected = true;
    this.expect('first_byte', this.request.deadlines.firstByteSeconds);
  }

  private expect(kind: 'connect' | 'first_byte', seconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.controller.abort(new DeadlineExceeded(kind, seconds));
    }, seconds * 1000);
  }
}
