import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { WebSocketServer, type WebSocket } from 'ws';

interface SubmitBody {
  prompt: Record<string, { class_type: string; inputs: Record<string, unknown> }>;
  prompt_id: string;
  client_id: string;
}

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/**
 * A pod whose every step a test decides: runs stay in its queue until the test starts and ends them, and any route can
 * be made to answer anything. Listens on a port of its own.
 */
export class ScriptedPod {
  /** `POST /prompt` bodies that were accepted, in order. */
  readonly submits: SubmitBody[] = [];
  /** `METHOD /path` of every request, in order. */
  readonly requests: string[] = [];
  readonly interrupts: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  pending: string[] = [];
  running: string[] = [];
  readonly history = new Map<string, unknown>();
  readonly files = new Map<string, Buffer>();
  readonly uploads: string[] = [];
  private readonly overrides = new Map<string, Answer>();
  private readonly sockets = new Map<string, WebSocket>();
  private watchers: { until: () => boolean; resolve: () => void }[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(options = { websocket: true }): Promise<ScriptedPod> {
    const pod = new ScriptedPod();
    pod.server.listen(0, '127.0.0.1');
    await once(pod.server, 'listening');
    if (options.websocket) pod.listenForSockets();
    return pod;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    for (const socket of this.sockets.values()) socket.terminate();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /** Answers a route, such as `POST /prompt`, in another way until told otherwise. */
  on(
    route: string,
    answer: Answer | { status: number; body?: unknown; headers?: Record<string, string> },
  ): void {
    this.overrides.set(
      route,
      typeof answer === 'function'
        ? answer
        : (_request, response) => {
            response.writeHead(answer.status, answer.headers);
            response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
          },
    );
  }

  restore(route: string): void {
    this.overrides.delete(route);
  }

  /** Resolves as soon as a condition holds after some request or connection. */
  async reached(until: () => boolean): Promise<void> {
    if (until()) return;
    await new Promise<void>((resolve) => this.watchers.push({ until, resolve }));
  }

  /** Resolves when somebody follows the run's events. */
  async listening(promptId: string): Promise<void> {
    await this.reached(() => this.sockets.has(promptId));
  }

  begin(promptId: string): void {
    this.pending = this.pending.filter((id) => id !== promptId);
    this.running = [promptId];
    this.tell(promptId, 'execution_start', { prompt_id: promptId });
  }

  /** Ends a run with a history entry; by default a success with one picture at node 9. */
  end(promptId: string, entry: unknown = success('made.png')): void {
    this.pending = this.pending.filter((id) => id !== promptId);
    this.running = this.running.filter((id) => id !== promptId);
    this.history.set(promptId, entry);
    this.tell(promptId, 'executing', { node: null, prompt_id: promptId });
  }

  tell(promptId: string, type: string, data: unknown): void {
    this.sockets.get(promptId)?.send(JSON.stringify({ type, data }));
  }

  /** Drops every websocket. */
  cutSockets(): void {
    for (const socket of this.sockets.values()) socket.terminate();
  }

  count(route: string): number {
    return this.requests.filter((request) => request === route).length;
  }

  private listenForSockets(): void {
    const sockets = new WebSocketServer({ server: this.server, path: '/ws' });
    sockets.on('connection', (socket, request) => {
      const clientId = new URL(request.url ?? '', this.url).searchParams.get('clientId') ?? '';
      this.headers.push(request.headers);
      this.sockets.set(clientId, socket);
      this.wakeWatchers();
      socket.send(JSON.stringify({ type: 'status', data: { status: {}, sid: clientId } }));
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    const url = new URL(request.url ?? '', this.url);
    const path = url.pathname.startsWith('/history/') ? '/history' : url.pathname;
    const route = `${request.method ?? ''} ${path}`;
    this.requests.push(route);
    this.headers.push(request.headers);
    const override = this.overrides.get(route);
    if (override !== undefined) override(request, response, body);
    else this.answerAsPod(route, url, response, body);
    this.wakeWatchers();
  }

  private wakeWatchers(): void {
    const reached = this.watchers.filter(({ until }) => until());
    this.watchers = this.watchers.filter((watcher) => !reached.includes(watcher));
    reached.forEach(({ resolve }) => {
      resolve();
    });
  }

  private answerAsPod(route: string, url: URL, response: ServerResponse, body: Buffer): void {
    const json = (value: unknown): void => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    };
    const routes: Record<string, () => void> = {
      'POST /prompt': () => {
        json(this.submit(JSON.parse(body.toString()) as SubmitBody));
      },
      'GET /queue': () => {
        json({
          queue_running: this.running.map((id) => [0, id, {}, {}, []]),
          queue_pending: this.pending.map((id, index) => [index + 1, id, {}, {}, []]),
        });
      },
      'POST /queue': () => {
        const ids = (JSON.parse(body.toString()) as { delete: string[] }).delete;
        this.pending = this.pending.filter((id) => !ids.includes(id));
        response.end();
      },
      'POST /interrupt': () => {
        const id = (JSON.parse(body.toString()) as { prompt_id: string }).prompt_id;
        this.interrupts.push(id);
        if (this.running.includes(id)) this.end(id, failure('execution_interrupted'));
        response.end();
      },
      'GET /history': () => {
        const id = url.pathname.slice('/history/'.length);
        json(this.history.has(id) ? { [id]: this.history.get(id) } : {});
      },
      'GET /view': () => {
        const file = this.files.get(url.searchParams.get('filename') ?? '');
        response.writeHead(file === undefined ? 404 : 200, { 'content-type': 'image/png' }).end(file);
      },
      'POST /upload/image': () => {
        this.uploads.push(body.toString('latin1'));
        const name = /filename="([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? '';
        json({ name, subfolder: '', type: 'input' });
      },
      'GET /system_stats': () => {
        json({ system: { comfyui_version: '0.3.64' }, devices: [{ name: 'cuda:0 NVIDIA L40S' }] });
      },
    };
    const answer = routes[route];
    if (answer === undefined) response.writeHead(404).end();
    else answer();
  }

  private submit(body: SubmitBody): { prompt_id: string; number: number; node_errors: object } {
    this.submits.push(body);
    this.pending.push(body.prompt_id);
    return { prompt_id: body.prompt_id, number: this.submits.length, node_errors: {} };
  }
}

/** A finished run's history entry with one picture at node 9. */
export function success(filename: string, images: unknown[] = []): unknown {
  return {
    outputs: { '9': { images: [{ filename, subfolder: '', type: 'output' }, ...images] } },
    status: {
      status_str: 'success',
      completed: true,
      messages: [
        ['execution_start', { timestamp: 1_000 }],
        ['execution_success', { timestamp: 5_500 }],
      ],
    },
  };
}

/** A failed run's history entry: `completed` is false, as on a real server. */
export function failure(event: string, data: object = {}): unknown {
  return { outputs: {}, status: { status_str: 'error', completed: false, messages: [[event, data]] } };
}
