import { request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

interface HeldRequest {
  request: IncomingMessage;
  response: ServerResponse;
  chunks: Buffer[];
}

/** A websocket handshake as a server's `upgrade` event hands it over. */
export type Handshake = [request: IncomingMessage, socket: Duplex, head: Buffer];

/** What reaches a frozen process: the system takes connections and bytes, and the process finds them when it goes on. */
export class HeldRequests {
  #requests: HeldRequest[] = [];
  #handshakes: Handshake[] = [];

  hold(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Whoever gives up while he waits is noticed when his turn comes.
    request.on('error', () => undefined);
    this.#requests.push({ request, response, chunks });
  }

  holdHandshake(...handshake: Handshake): void {
    handshake[1].on('error', () => undefined);
    this.#handshakes.push(handshake);
  }

  /** Forgets everything: the process is gone. */
  drop(): void {
    this.#requests = [];
    this.#handshakes = [];
  }

  /** Has everything served that came meanwhile: requests by the server at `url`, handshakes by `shake`. */
  release(url: string, shake: (...handshake: Handshake) => void): void {
    const [requests, handshakes] = [this.#requests, this.#handshakes];
    this.drop();
    for (const held of requests) serveLate(held, url);
    for (const handshake of handshakes) {
      if (!handshake[1].destroyed) shake(...handshake);
    }
  }
}

/** Serves one request whose bytes had all come, also when its caller has left: what it asks for is done all the same. */
function serveLate({ request, response, chunks }: HeldRequest, url: string): void {
  if (!request.complete) {
    request.once('end', () => {
      serveLate({ request, response, chunks }, url);
    });
    return;
  }
  // Nobody notices that a read was not served to a caller who has left.
  if (response.destroyed && request.method === 'GET') return;
  const { method, headers } = request;
  const again = sendRequest(`${url}${request.url ?? '/'}`, { method, headers, agent: false });
  again.once('response', (answer) => {
    response.on('error', () => answer.destroy());
    if (!response.destroyed) response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  again.once('error', () => response.socket?.resetAndDestroy());
  again.end(Buffer.concat(chunks));
}
