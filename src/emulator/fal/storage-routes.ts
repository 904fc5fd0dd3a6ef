import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { bytesAnswer, jsonAnswer, textAnswer, type Answer } from '../answer';
import type { EmulatorContext } from '../context';
import { deliver, reset } from '../deliver';
import type { Fault } from '../faults';
import { bodyText } from '../http-app';
import { simpleFaultAnswer } from '../simple-faults';
import { originOf } from './access';
import { invalidJson } from './errors';
import type { FalFiles } from './files';

const initiateBody = z.object({ content_type: z.string().min(1), file_name: z.string().min(1) });

/** Uploads in two steps and the public file URLs. */
export class StorageRoutes {
  readonly #context: EmulatorContext;
  readonly #files: FalFiles;

  constructor(context: EmulatorContext, files: FalFiles) {
    this.#context = context;
    this.#files = files;
  }

  async initiate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const fault = this.#context.faults.take('fal', 'upload', { endpoint: 'storage/upload/initiate' });
    if (await struck(reply, fault, jsonAnswer(200, {}))) return;
    const body = readInitiate(bodyText(request.body));
    if (body === undefined) return void (await deliver(reply, invalidJson));
    const { content_type: contentType, file_name: name } = body;
    await deliver(reply, jsonAnswer(200, this.#files.announce(originOf(request), name, contentType)));
  }

  async receive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id } = request.params as { id: string };
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const known = this.#files.receive(id, bytes, request.headers['content-type']);
    await deliver(reply, known ? textAnswer(200, '') : textAnswer(403, 'upload was not announced'));
  }

  async download(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id } = request.params as { id: string };
    const file = this.#files.find(id);
    if (file === undefined) return void (await deliver(reply, textAnswer(404, 'Not Found')));
    const answer = bytesAnswer(200, file.contentType, file.bytes);
    const fault = file.job === undefined ? undefined : this.#context.faults.take('fal', 'media', file.job);
    if (await struck(reply, fault, answer)) return;
    await deliver(reply, answer);
  }
}

async function struck(reply: FastifyReply, fault: Fault | undefined, answer: Answer): Promise<boolean> {
  if (fault === undefined) return false;
  if (fault.name === 'reset_before_headers') {
    reply.hijack();
    reset(reply.raw);
    return true;
  }
  const simple = mediaFaultAnswer(fault) ?? simpleFaultAnswer('fal', fault);
  await (simple === undefined ? deliver(reply, answer, fault) : deliver(reply, simple));
  return true;
}

function mediaFaultAnswer(fault: Fault): Answer | undefined {
  if (fault.name === 'media_404') return textAnswer(404, 'Not Found');
  return fault.name === 'media_expired' ? textAnswer(403, 'Request has expired') : undefined;
}

function readInitiate(text: string): z.infer<typeof initiateBody> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return initiateBody.safeParse(value).data;
  } catch {
    return undefined;
  }
}
