import type { HttpReply } from './http';

/** Bytes of an error body anyone looks at; a traceback may be far longer. */
export const errorBodyBytes = 64 * 1024;
/** Bytes of a JSON answer; a ComfyUI history entry repeats its whole graph. */
const jsonBodyBytes = 16 * 1024 * 1024;

/** The body as text, cut off after `maxBytes`. @throws what the body breaks with */
export async function readText(reply: HttpReply, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of reply.body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}

/** The body as JSON; `undefined` when it is no JSON or longer than `maxBytes`. @throws what the body breaks with */
export async function readJson(reply: HttpReply, maxBytes = jsonBodyBytes): Promise<unknown> {
  const text = await readText(reply, maxBytes);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Ends a reply nobody wants to read, so that its connection can be used again. Never throws. */
export async function discardBody(reply: HttpReply): Promise<void> {
  await readText(reply, errorBodyBytes).catch(() => undefined);
}
