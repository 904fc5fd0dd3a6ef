/** One HTTP answer, complete. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return bytesAnswer(status, 'application/json', Buffer.from(JSON.stringify(value)), headers);
}

export function textAnswer(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return bytesAnswer(status, 'text/plain; charset=utf-8', Buffer.from(text), headers);
}

export function htmlAnswer(status: number, title: string): Answer {
  const page = `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return bytesAnswer(status, 'text/html; charset=utf-8', Buffer.from(page));
}

export function bytesAnswer(
  status: number,
  contentType: string,
  body: Buffer,
  headers: Record<string, string> = {},
): Answer {
  return { status, headers: { 'content-type': contentType, ...headers }, body };
}
