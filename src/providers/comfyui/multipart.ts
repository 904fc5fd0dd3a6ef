import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';

export interface MultipartFile {
  field: string;
  /** Letters, digits, `-`, `_` and `.` only: it is not escaped. */
  fileName: string;
  mediaType: string;
  stream: Readable;
  bytes: number;
}

/** A `multipart/form-data` body that streams its one file, with the exact length a server may insist on. */
export function multipartBody(
  file: MultipartFile,
  fields: Readonly<Record<string, string>>,
): { headers: Record<string, string>; body: Readable } {
  const boundary = `ryla-${randomUUID()}`;
  const disposition = `content-disposition: form-data; name="${file.field}"; filename="${file.fileName}"`;
  const head = `--${boundary}\r\n${disposition}\r\ncontent-type: ${file.mediaType}\r\n\r\n`;
  const rest = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const tail = `\r\n${rest.join('')}--${boundary}--\r\n`;
  const bytes = Buffer.byteLength(head) + file.bytes + Buffer.byteLength(tail);
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(bytes),
    },
    body: Readable.from(concatenate(head, file.stream, tail), { objectMode: false }),
  };
}

async function* concatenate(head: string, stream: Readable, tail: string): AsyncGenerator<Buffer> {
  yield Buffer.from(head);
  yield* stream as AsyncIterable<Buffer>;
  yield Buffer.from(tail);
}
