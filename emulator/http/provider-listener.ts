import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { HeldRequests } from './held-requests';

/**
 * `down`: nothing listens and open connections are cut. `hang`: connections open and nothing ever answers, while the
 * jobs go on. `frozen`: nothing answers and nothing goes on until the state is `up` again; then everything does, also
 * what was asked meanwhile.
 */
export const providerStates = ['up', 'down', 'hang', 'frozen'] as const;
export type ProviderState = (typeof providerStates)[number];

export interface ListenerOptions {
  host: string;
  /** 0 takes a free port, which is kept from then on. */
  port: number;
  app: FastifyInstance;
  onUpgrade?: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
}

/** One listening port that can be taken down and brought back while its application stays in memory. */
export class ProviderListener {
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #held = new HeldRequests();
  #server: Server | undefined;
  #port: number;
  #state: ProviderState = 'down';
  #change: Promise<void> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  get state(): ProviderState {
    return this.#state;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.#options.host}:${this.#port}`;
  }

  /** Changes come one after another. @throws the system's error when the port is taken. */
  async setState(state: ProviderState): Promise<void> {
    const change = this.#change.then(() => this.#enter(state));
    this.#change = change.catch(() => undefined);
    await change;
  }

  async #enter(state: ProviderState): Promise<void> {
    const previous = this.#state;
    if (state === previous) return;
    if (state !== 'down' && this.#server === undefined) await this.#listen();
    this.#state = state;
    // Whoever was left hanging is never answered: with the change of state they see a reset instead.
    if (previous === 'hang' || state === 'hang' || state === 'down') this.#cutConnections();
    if (state === 'down') await this.#stopListening();
    if (state !== 'up') return;
    this.#held.release(this.url, (request, socket, head) => {
      this.#upgrade(request, socket, head);
    });
  }

  async #listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response);
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#options.host, port: this.#port, exclusive: true }, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.#state === 'hang') {
      request.resume();
      return;
    }
    if (this.#state === 'frozen') {
      this.#held.hold(request, response);
      return;
    }
    this.#options.app.routing(request, response);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#state === 'hang') return;
    if (this.#state === 'frozen') {
      this.#held.holdHandshake(request, socket, head);
      return;
    }
    if (this.#options.onUpgrade === undefined) socket.destroy();
    else this.#options.onUpgrade(request, socket, head);
  }

  #cutConnections(): void {
    this.#held.drop();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise((resolve) => server.close(resolve));
  }
}
