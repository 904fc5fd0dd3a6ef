import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** The open websockets, one per client id. */
export class SocketHub {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #clients = new Map<string, WebSocket>();
  readonly #queueRemaining: () => number;

  constructor(queueRemaining: () => number) {
    this.#queueRemaining = queueRemaining;
  }

  /** Completes a handshake; the first frame tells the client its session id. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const clientId = searchParams.get('clientId') ?? randomUUID().replaceAll('-', '');
    this.#server.handleUpgrade(request, socket, head, (client) => {
      this.#clients.set(clientId, client);
      client.on('error', () => {
        client.terminate();
      });
      client.once('close', () => {
        if (this.#clients.get(clientId) === client) this.#clients.delete(clientId);
      });
      this.#send(client, 'status', { status: this.#status(), sid: clientId });
    });
  }

  /** Events of a job go to the client that submitted it, and to nobody else. */
  send(clientId: string | undefined, type: string, data: Record<string, unknown>): void {
    const client = clientId === undefined ? undefined : this.#clients.get(clientId);
    if (client !== undefined) this.#send(client, type, data);
  }

  /** A binary frame: event 1 (preview picture), format 1 (JPEG). */
  sendPreview(clientId: string | undefined, picture: Buffer): void {
    const client = clientId === undefined ? undefined : this.#clients.get(clientId);
    client?.send(Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]), picture]));
  }

  broadcastStatus(): void {
    for (const client of this.#clients.values()) this.#send(client, 'status', { status: this.#status() });
  }

  /** A frozen server reads nothing, so it does not even answer a ping. */
  pause(): void {
    for (const client of this.#clients.values()) client.pause();
  }

  resume(): void {
    for (const client of this.#clients.values()) client.resume();
  }

  /** Cuts the line of one client, or of all. */
  cut(clientId?: string): void {
    for (const [id, client] of this.#clients) {
      if (clientId === undefined || id === clientId) client.terminate();
    }
  }

  #send(client: WebSocket, type: string, data: Record<string, unknown>): void {
    client.send(JSON.stringify({ type, data }));
  }

  #status(): Record<string, unknown> {
    return { exec_info: { queue_remaining: this.#queueRemaining() } };
  }
}
