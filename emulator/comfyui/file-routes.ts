import type { FastifyRequest } from 'fastify';
import { bytesAnswer, jsonAnswer, textAnswer } from '../http/answer';
import type { EmulatorContext } from '../context';
import type { Fault } from '../faults/faults';
import { struck, type Reaction } from '../http/reaction';
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

  view(request: FastifyRequest): Reaction {
    const { searchParams } = new URL(request.url, 'http://localhost');
    const filename = searchParams.get('filename') ?? '';
    const subfolder = searchParams.get('subfolder') ?? '';
    const type = folderType(searchParams.get('type') ?? 'output');
    if (filename === '') return textAnswer(404, '');
    if (filename.startsWith('/') || filename.includes('..') || type === undefined) return textAnswer(400, '');
    if (subfolder.startsWith('/') || subfolder.split('/').includes('..')) return textAnswer(403, '');
    const file = this.#files.find({ filename, subfolder, type });
    if (file === undefined) return textAnswer(404, '');
    const { job, contentType, bytes } = file;
    const name = `filename="${filename.replaceAll('"', '')}"`;
    const answer = bytesAnswer(200, contentType, bytes, { 'content-disposition': name });
    const subject = { endpoint: job?.endpoint ?? 'input', prompt: job?.prompt };
    const fault = this.#context.faults.take('comfyui', 'view', subject);
    const onDelivered = (): void => {
      if (job !== undefined && type === 'output') job.entry.responseDelivered = true;
    };
    return struck('comfyui', fault, answer) ?? { answer, onDelivered };
  }

  async upload(request: FastifyRequest): Promise<Reaction> {
    const fault = this.#context.faults.take('comfyui', 'upload', { endpoint: 'upload' });
    if (fault !== undefined && fault.name !== 'upload_renamed') {
      return struck('comfyui', fault, jsonAnswer(200, {})) ?? 'reset';
    }
    const upload = await readUpload(request);
    const { bytes, contentType, fields } = upload;
    const type = folderType(fields.get('type') ?? 'input');
    const filename = storedName(upload.name, fault);
    const subfolder = fields.get('subfolder') ?? '';
    const escapes = filename.includes('..') || subfolder.split('/').includes('..');
    const usable = bytes !== undefined && type !== undefined && filename !== '' && !escapes;
    if (!usable) return textAnswer(400, '');
    const overwrite = ['true', '1'].includes(fields.get('overwrite') ?? '');
    const place = { filename, subfolder, type, overwrite };
    const { filename: name, ...stored } = this.#files.upload(place, { bytes, contentType });
    return jsonAnswer(200, { name, ...stored });
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
