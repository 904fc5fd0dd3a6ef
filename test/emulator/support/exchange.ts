/** One HTTP exchange, read to the end. Redirects are not followed. */
export interface Exchange {
  status: number;
  headers: Headers;
  bytes: Buffer;
  text: string;
}

/** Sends a request. Objects go out as JSON, strings as they are. */
export async function exchange(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Exchange> {
  const payload = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers },
    ...(payload !== undefined && { body: payload }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, text: bytes.toString('utf8') };
}

/** The JSON body of an exchange. */
export function json<Body = Record<string, unknown>>(reply: Exchange): Body {
  return JSON.parse(reply.text) as Body;
}
