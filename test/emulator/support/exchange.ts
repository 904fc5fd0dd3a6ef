import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** One HTTP exchange, read to the end. Redirects are not followed. */
export interface Exchange {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  text: string;
}

/**
 * Sends a request over a connection of its own. Objects go out as JSON, strings and bytes as they are.
 * Rejects with the socket's error when the connection breaks, also in the middle of the body.
 */
export async function exchange(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Exchange> {
  const response = await open(method, url, body, headers);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString('utf8') };
}

/** Sends a request and stops at the headers of the answer. */
export async function open(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const outgoing = request(url, {
    method,
    agent: false,
    headers: { 'content-type': 'application/json', ...headers },
  });
  outgoing.end(
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  );
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

/** The JSON object in an exchange's body. */
export function json(reply: Exchange): Record<string, unknown> {
  return JSON.parse(reply.text) as Record<string, unknown>;
}
