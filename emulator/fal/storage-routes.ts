import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { bytesAnswer, jsonAnswer, textAnswer, type Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import type { Fault } from '../faults/faults';
import { bodyText } from '../http/http-app';
import { struck, type Reaction } from '../http/reaction';
import { originOf } from './access';
import { invalidJson } from './errors';
import type { FalFiles } from './files';

const fileParameters = z.object({ id: z.string() });
const initiateBody = z.object({ content_type: z.string().min(1), file_name: z.string().min(1) });

/** Uploads in two steps and the public file URLs. */
export class StorageRoutes {
  readonly #context: EmulatorContext;
  readonly #files: FalFiles;

  constructor(context: EmulatorContext, files: FalFiles) {
    this.#context = context;
    this.#files = files;
  }

  initiate(request: FastifyRequest): Reaction {
    const fault = this.#context.faults.take('fal', 'upload', { endpoint: 'storage/upload/initiate' });
    const reaction = struck('fal', fault, jsonAnswer(200, {}));
    if (reaction !== undefined) return reaction;
    const body = readInitiate(bodyText(request.body));
    if (body === undefined) return invalidJson;
    const { content_type: contentType, file_name: name } = body;
    return jsonAnswer(200, this.#files.announce(originOf(request), name, contentType));
  }

  receive(request: FastifyRequest): Reaction {
    const { id } = fileParameters.parse(request.params);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const known = this.#files.receive(id, bytes, request.headers['content-type']);
    return known ? textAnswer(200, '') : textAnswer(403, 'upload was not announced');
  }

  download(request: FastifyRequest): Reaction {
    const { id } = fileParameters.parse(request.params);
    const file = this.#files.find(id);
    if (file === undefined) return textAnswer(404, 'Not Found');
    const answer = bytesAnswer(200, file.contentType, file.bytes);
    const fault = file.job === undefined ? undefined : this.#context.faults.take('fal', 'media', file.job);
    return mediaFaultAnswer(fault) ?? struck('fal', fault, answer) ?? answer;
  }
}

function mediaFaultAnswer(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'media_404') return textAnswer(404, 'Not Found');
  return fault?.name === 'media_expired' ? textAnswer(403, 'Request has expired') : undefined;
}

function readInitiate(text: string): z.infer<typeof initiateBody> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return initiateBody.safeParse(value).data;
  } catch {
    return undefined;
  }
}
