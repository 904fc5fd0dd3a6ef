import type { FastifyReply, FastifyRequest } from 'fastify';
import { bytesAnswer, jsonAnswer, textAnswer } from '../answer';
import type { EmulatorContext } from '../context';
import { deliver } from '../deliver';
import type { Fault } from '../faults';
import { strike } from '../strike';
import { folderTypes, type FolderType, type PodFiles } from './pod-files';

interface Upload {
  bytes: Buffer | undefined;
  name: string;
  contentType: string;
  fields: ReadonlyMap<string, string>;
}

/** Uploads and downloads. */
export class FileRoutes {
  readonly #context: EmulatorContext;
  readonly #files: PodFiles;

  constructor(context: EmulatorContext, files: PodFiles) {
    this.#context = context;
    this.#files = files;
  }

  async view(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { searchParams } = new URL(request.url, 'http://localhost');
    const filename = searchParams.get('filename') ?? '';
    const subfolder = searchParams.get('subfolder') ?? '';
    const type = folderType(searchParams.get('type') ?? 'output');
    if (filename === '') return await refuse(reply, 404);
    if (filename.startsWith('/') || filename.includes('..') || type === undefined) {
      return await refuse(reply, 400);
    }
    if (subfolder.startsWith('/') || subfolder.split('/').includes('..')) return await refuse(reply, 403);
    const file = this.#files.find({ filename, subfolder, type });
    if (file === undefined) return await refuse(reply, 404);
    const subject = { endpoint: file.job?.endpoint ?? 'input', prompt: file.job?.prompt };
    const fault = this.#context.faults.take('comfyui', 'view', subject);
    const name = `filename="${filename.replaceAll('"', '')}"`;
    const answer = bytesAnswer(200, file.contentType, file.bytes, { 'content-disposition': name });
    if (await strike(reply, 'comfyui', fault, answer)) return;
    const delivered = await deliver(reply, answer);
    if (delivered && file.job !== undefined && type === 'output') file.job.entry.responseDelivered = true;
  }

  async upload(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const fault = this.#context.faults.take('comfyui', 'upload', { endpoint: 'upload' });
    if (fault !== undefined && fault.name !== 'upload_renamed') {
      await strike(reply, 'comfyui', fault, jsonAnswer(200, {}));
      return;
    }
    const upload = await readUpload(request);
    const { bytes, contentType, fields } = upload;
    const type = folderType(fields.get('type') ?? 'input');
    const filename = storedName(upload.name, fault);
    const subfolder = fields.get('subfolder') ?? '';
    const escapes = filename.includes('..') || subfolder.split('/').includes('..');
    if (bytes === undefined || type === undefined || filename === '' || escapes)
      return await refuse(reply, 400);
    const overwrite = ['true', '1'].includes(fields.get('overwrite') ?? '');
    const stored = this.#files.upload({ filename, subfolder, type, overwrite }, { bytes, contentType });
    const { filename: name } = stored;
    await deliver(reply, jsonAnswer(200, { name, subfolder: stored.subfolder, type: stored.type }));
  }
}

async function readUpload(request: FastifyRequest): Promise<Upload> {
  const fields = new Map<string, string>();
  let file: { bytes: Buffer; name: string; contentType: string } | undefined;
  if (!request.isMultipart()) return { bytes: undefined, name: '', contentType: '', fields };
  for await (const part of request.parts()) {
    if (part.type === 'field') fields.set(part.fieldname, String(part.value));
    else {
      const bytes = await part.toBuffer();
      if (part.fieldname === 'image') file = { bytes, name: part.filename, contentType: part.mimetype };
    }
  }
  return { bytes: file?.bytes, name: file?.name ?? '', contentType: file?.contentType ?? '', fields };
}

function storedName(name: string, fault: Fault | undefined): string {
  if (fault === undefined) return name;
  const dot = name.lastIndexOf('.');
  const renamed = dot < 0 ? `${name} (1)` : `${name.slice(0, dot)} (1)${name.slice(dot)}`;
  return fault.params.value ?? renamed;
}

function folderType(value: string): FolderType | undefined {
  return folderTypes.find((type) => type === value);
}

async function refuse(reply: FastifyReply, status: number): Promise<void> {
  await deliver(reply, textAnswer(status, ''));
}
