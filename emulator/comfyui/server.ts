import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import multipart from '@fastify/multipart';
import { z } from 'zod';
import { jsonAnswer, textAnswer } from '../http/answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { createHttpApp } from '../http/http-app';
import { MachineClock } from '../machine-clock';
import { react, route, type Handler } from '../http/reaction';
import { FileRoutes } from './file-routes';
import { PodFiles } from './pod-files';
import { objectInfo, systemStats } from './pod-information';
import { PodQueue } from './pod-queue';
import { PromptRoutes } from './prompt-routes';
import { QueueRoutes } from './queue-routes';
import { SocketHub } from './sockets';

/** The emulated ComfyUI pod: HTTP below `/` and `/api`, events at `/ws`. */
export class ComfyUiServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly #context: EmulatorContext;
  readonly #clock: MachineClock;
  readonly #files = new PodFiles();
  readonly #sockets: SocketHub = new SocketHub(() => this.#queue.remaining);
  readonly #queue: PodQueue;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#clock = new MachineClock(context.clock, context.settings);
    const machine = { clock: this.#clock, files: this.#files, sockets: this.#sockets };
    this.#queue = new PodQueue(context, machine);
    void this.app.register(multipart, { limits: { fileSize: largestUploadBytes } });
    this.app.addHook('onRequest', async (request, reply) => {
      if (isForeign(request.headers)) await react(reply, textAnswer(403, ''));
    });
    this.app.setNotFoundHandler(route(() => textAnswer(404, '404: Not Found')));
    for (const prefix of ['', '/api']) this.#addRoutes(prefix);
  }

  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const fault = this.#context.faults.take('comfyui', 'websocket', { endpoint: 'websocket' });
    if (pathname !== '/ws' && pathname !== '/api/ws') refuseUpgrade(socket, '404 Not Found');
    else if (isForeign(request.headers)) refuseUpgrade(socket, '403 Forbidden');
    else if (fault !== undefined) refuseUpgrade(socket, '502 Bad Gateway');
    else this.#sockets.accept(request, socket, head);
  }

  powerOff(): void {
    this.#queue.restart();
  }

  freeze(): void {
    this.#clock.freeze();
    this.#sockets.pause();
  }

  thaw(): void {
    this.#clock.thaw();
    this.#sockets.resume();
  }

  reset(): void {
    this.#queue.restart();
    this.#files.reset();
  }

  #addRoutes(prefix: string): void {
    const prompts = new PromptRoutes(this.#context, this.#queue, this.#files);
    const queue = new QueueRoutes(this.#context, this.#queue);
    const files = new FileRoutes(this.#context, this.#files);
    const get = (path: string, handler: Handler): unknown => this.app.get(prefix + path, route(handler));
    const post = (path: string, handler: Handler): unknown => this.app.post(prefix + path, route(handler));
    post('/prompt', (request) => prompts.submit(request));
    get('/prompt', () => queue.count());
    get('/queue', () => queue.list());
    post('/queue', (request) => queue.change(request));
    get('/history', (request) => queue.history(request));
    get('/history/:id', (request) => queue.history(request));
    post('/history', (request) => queue.changeHistory(request));
    post('/interrupt', (request) => queue.interrupt(request));
    get('/view', (request) => files.view(request));
    post('/upload/image', (request) => files.upload(request));
    post('/upload/mask', (request) => files.upload(request));
    get('/system_stats', () => jsonAnswer(200, systemStats));
    get('/object_info', () => jsonAnswer(200, objectInfo()));
    get('/object_info/:name', ({ params }) =>
      jsonAnswer(200, objectInfo(classParameters.parse(params).name)),
    );
  }
}

const largestUploadBytes = 96 * 1024 * 1024;
const classParameters = z.object({ name: z.string() });

/** The server's guard against pages of other sites: `Origin`, when sent, must be the host itself. */
function isForeign({ origin, host }: { origin?: string | undefined; host?: string | undefined }): boolean {
  if (origin === undefined || host === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}
