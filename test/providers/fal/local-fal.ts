import { createFalClient, type FalClient, type FalClientSettings } from '../../../src/providers/fal/client';
import type { FalHandle } from '../../../src/providers/fal/wire';
import { testJob } from '../support/call';
import {
  sendJson,
  startLocalServer,
  type LocalServer,
  type ReceivedRequest,
  type Responder,
} from '../support/local-server';
import { testPicture } from '../support/pictures';

/** The job of these tests. */
export const falJob = testJob({
  endpoint: 'fal-ai/flux/dev',
  parameters: { prompt: 'a red door', enable_safety_checker: true },
});
/** Path of its request. */
export const requestPath = '/queue/fal-ai/flux/requests/r1';

type Answer = (response: Parameters<Responder>[1], request: ReceivedRequest) => void;
/** By request line, with its query or without, such as `GET /files/1.png`. */
export type Answers = Record<string, Answer>;

/** Path of its list of requests that ended, without the query. */
export const listPath = '/platform/v1/models/requests/by-endpoint';
/** Path of its prices. */
export const pricesPath = '/platform/v1/models/pricing';

/**
 * A Fal of one job that goes well, but for the answers a test replaces. Its key may neither list requests nor read
 * prices, unless a test answers for that.
 */
export class LocalFal {
  private server: LocalServer | undefined;
  private picture: Buffer | undefined;

  async start(answers: Answers = {}, settings: Partial<FalClientSettings> = {}): Promise<FalClient> {
    this.picture = await testPicture();
    this.server = await startLocalServer((request, response) => {
      const whole = `${request.method} ${request.path}`;
      const line = answers[whole] === undefined ? (whole.split('?')[0] ?? '') : whole;
      if (isPlatform(request) && answers[line] === undefined) {
        sendJson(response, 403, { error: { type: 'authorization_error', message: 'no' } });
        return;
      }
      const answer = answers[line] ?? this.happyAnswers()[line];
      if (answer === undefined) sendJson(response, 404, { detail: 'not here' });
      else answer(response, request);
    });
    return createFalClient({
      queueUrl: `${this.url}/queue`,
      restUrl: `${this.url}/rest`,
      platformUrl: `${this.url}/platform`,
      key: 'id:secret',
      mediaHosts: [new URL(this.url).host],
      firstPollPauseMs: 20,
      ...settings,
    });
  }

  get url(): string {
    return this.server?.url ?? '';
  }

  /** What came for the job itself. */
  get received(): ReceivedRequest[] {
    return (this.server?.received ?? []).filter((request) => !isPlatform(request));
  }

  /** Queries of the looks at a path of the platform API, in turn. */
  asked(path: string): URLSearchParams[] {
    const requests = (this.server?.received ?? []).filter((request) => request.path.split('?')[0] === path);
    return requests.map((request) => new URL(request.path, this.url).searchParams);
  }

  lines(): string[] {
    return this.received.map(({ method, path }) => `${method} ${path}`);
  }

  /** Submits that arrived. */
  submits(): ReceivedRequest[] {
    return this.received.filter(({ path }) => path.split('?')[0] === '/queue/fal-ai/flux/dev');
  }

  /** What the client should note of the job. */
  handle(): FalHandle {
    const {
      request_id: requestId,
      response_url: responseUrl,
      status_url: statusUrl,
      cancel_url: cancelUrl,
    } = this.urls();
    return { requestId, statusUrl, responseUrl, cancelUrl, endpoint: 'fal-ai/flux/dev' };
  }

  /** The answer to a submit, but for its status. */
  urls() {
    const own = `${this.url}${requestPath}`;
    return { request_id: 'r1', response_url: own, status_url: `${own}/status`, cancel_url: `${own}/cancel` };
  }

  async close(): Promise<void> {
    await this.server?.close();
  }

  private happyAnswers(): Answers {
    const images = [{ url: `${this.url}/files/1.png` }];
    const sendPicture: Answer = (response) => response.end(this.picture);
    return {
      'POST /queue/fal-ai/flux/dev': inTurn([200, { status: 'IN_QUEUE', queue_position: 0, ...this.urls() }]),
      [`GET ${requestPath}/status`]: inTurn([
        200,
        { status: 'COMPLETED', metrics: { inference_time: 1.25 } },
      ]),
      [`GET ${requestPath}`]: inTurn([200, { images, has_nsfw_concepts: [false] }]),
      [`PUT ${requestPath}/cancel`]: inTurn([202, { status: 'CANCELLATION_REQUESTED' }]),
      'GET /files/1.png': sendPicture,
      'GET /files/2.png': sendPicture,
    };
  }
}

function isPlatform({ path }: ReceivedRequest): boolean {
  return path.startsWith('/platform/');
}

/** Answers with each body in turn, the last one for ever. */
export function inTurn(...bodies: [number, unknown][]): Answer {
  return (response) => {
    const [status, body] = (bodies.length > 1 ? bodies.shift() : bodies[0]) ?? [500, {}];
    sendJson(response, status, body);
  };
}
