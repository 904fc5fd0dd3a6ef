import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, textAnswer } from '../answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { deliver } from '../deliver';
import { createHttpApp } from '../http-app';
import { FileRoutes } from './file-routes';
import { PodFiles } from './pod-files';
import { objectInfo, systemStats } from './pod-information';
import { PodQueue } from './pod-queue';
import { PromptRoutes } from './prompt-routes';
import { QueueRoutes } from './queue-routes';
import { SocketHub } from './sockets';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** The emulated ComfyUI pod: HTTP below `/` and `/api`, events at `/ws`. */
export class ComfyUiServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly #context: EmulatorContext;
  readonly #files = new PodFiles();
  readonly #sockets: SocketHub = new SocketHub(() => this.#queue.remaining);
  readonly #queue: PodQueue;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#queue = new PodQueue(context, this.#files, this.#sockets);
    void this.app.register(multipart, { limits: { fileSize: largestUploadBytes } });
    this.app.addHook('onRequest', async (request, reply) => {
      if (isForeign(request.headers)) await deliver(reply, textAnswer(403, ''));
    });
    this.app.setNotFoundHandler((_request, reply) => deliver(reply, textAnswer(404, '404: Not Found')));
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

  reset(): void {
    this.#queue.restart();
    this.#files.reset();
  }

  #addRoutes(prefix: string): void {
    const prompts = new PromptRoutes(this.#context, this.#queue, this.#files);
    const queue = new QueueRoutes(this.#context, this.#queue);
    const files = new FileRoutes(this.#context, this.#files);
    const upload: Handler = (request, reply) => files.upload(request, reply);
    this.app.post(`${prefix}/prompt`, (request, reply) => prompts.submit(request, reply));
    this.app.get(`${prefix}/prompt`, (request, reply) => queue.count(request, reply));
    this.app.get(`${prefix}/queue`, (request, reply) => queue.list(request, reply));
    this.app.post(`${prefix}/queue`, (request, reply) => queue.change(request, reply));
    this.app.get(`${prefix}/history`, (request, reply) => queue.history(request, reply));
    this.app.get(`${prefix}/history/:id`, (request, reply) => queue.history(request, reply));
    this.app.post(`${prefix}/history`, (request, reply) => queue.changeHistory(request, reply));
    this.app.post(`${prefix}/interrupt`, (request, reply) => queue.interrupt(request, reply));
    this.app.get(`${prefix}/view`, (request, reply) => files.view(request, reply));
    this.app.post(`${prefix}/upload/image`, upload);
    this.app.post(`${prefix}/upload/mask`, upload);
    this.app.get(
      `${prefix}/system_stats`,
      answerWith(() => systemStats),
    );
    this.app.get(
      `${prefix}/object_info`,
      answerWith(() => objectInfo()),
    );
    this.app.get(
      `${prefix}/object_info/:name`,
      answerWith(({ params }) => objectInfo((params as { name: string }).name)),
    );
  }
}

const largestUploadBytes = 96 * 1024 * 1024;

function answerWith(value: (request: FastifyRequest) => unknown): Handler {
  return async (request, reply) => {
    await deliver(reply, jsonAnswer(200, value(request)));
  };
}

/** The server's guard against pages of other sites: `Origin`, when sent, must be the host itself. */
function isForeign({ origin, host }: { origin?: string | undefined; host?: string | undefined }): boolean {
  if (origin === undefined || host === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}
