import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { HttpProblem } from './http-problem';
import { fileTooLarge, invalid } from './to-problem';

/**
 * The uploaded file of a request: field `file` of a form, or the whole body. Whoever reads it may destroy it; the
 * connection lives on, so that the answer still arrives.
 *
 * @throws HttpProblem for a form without that field, and when the length is announced and above `maxBytes`.
 */
export async function uploadStream(request: FastifyRequest, maxBytes: number): Promise<Readable> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes + formBytes) {
    throw fileTooLarge(maxBytes);
  }
  return request.isMultipart() ? (await formFile(request)).file : detached(request.raw);
}

/** What the frame of a form adds to its file, at most. */
const formBytes = 10_000;

async function formFile(request: FastifyRequest): Promise<MultipartFile> {
  const part = await request.file().catch((cause: unknown) => {
    // The parser's own errors have no status; the plugin's have.
    if (cause instanceof Object && 'statusCode' in cause) throw cause;
    const message =
      'send a form with the field "file" and its boundary in the header, or the picture as the body';
    const errors = [{ field: 'body', code: 'invalid_multipart', message } as const];
    throw new HttpProblem(400, 'invalid_multipart', 'The form cannot be read.', { cause, errors });
  });
  if (part?.fieldname === 'file') return part;
  part?.file.resume();
  throw invalid([
    { field: 'file', code: 'required', message: 'send the picture as form field "file", or as the body' },
  ]);
}

/** Destroying a request destroys its socket, and the answer with it; a copy can be destroyed safely. */
function detached(raw: IncomingMessage): Readable {
  const copy = new PassThrough();
  raw.pipe(copy);
  raw.once('close', () => {
    if (!raw.complete) copy.destroy(new HttpProblem(400, 'upload_aborted', 'The upload ended early.'));
  });
  return copy;
}
