import { decodeDataUrl, isRecord } from '../describe-body';
import { maximumPixels, pictureSize } from '../render';
import type { Answer } from '../answer';
import { qwenAspectRatios, type FieldCheck, type ModalEndpoint } from './endpoints';
import { caughtException, httpException, raised } from './errors';
import type { LoraVolume } from './loras';

/** A request a handler would start to work on. */
export interface CheckedRequest {
  width: number;
  height: number;
  seed: number | undefined;
  steps: number;
  frames: number;
  fps: number;
  loraFile?: string | undefined;
  face?: Buffer | undefined;
  source?: Buffer | undefined;
}

/** Plays the handler's checks in its order. Returns the answer of the first that fails. */
export async function checkRequest(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  loras: LoraVolume,
): Promise<CheckedRequest | Answer> {
  const lora = checkLora(endpoint, body, loras);
  if (lora !== undefined && 'status' in lora) return lora;
  const pictures = new Map<string, Buffer>();
  for (const check of endpoint.checks) {
    const failed =
      missingField(endpoint, body, check) ?? (await readPicture(endpoint, body, check, pictures));
    if (failed !== undefined) return failed;
  }
  return await measure(endpoint, body, pictures, lora?.file);
}

function checkLora(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  loras: LoraVolume,
): { file: string } | Answer | undefined {
  if (endpoint.path === '/flux-dev-realism') {
    return checkFile('flux-realism.safetensors', loras);
  }
  if (endpoint.lora === undefined) return undefined;
  const lora = loras.resolve(endpoint.lora, body);
  if (lora === undefined) return raised(endpoint, 400, 'lora_id or lora_name is required');
  return 'file' in lora ? lora : loraNotFound(lora.missing);
}

function checkFile(file: string, loras: LoraVolume): { file: string } | Answer {
  return loras.list().includes(file) ? { file } : loraNotFound(file);
}

/** What every route answers to a LoRA that is not on the volume. */
export function loraNotFound(file: string): Answer {
  return httpException(404, `LoRA not found: ${file}. Upload it to the models volume first.`);
}

function missingField(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  { field, alias, missing }: FieldCheck,
): Answer | undefined {
  const value = body[field] ?? (alias === undefined ? undefined : body[alias]);
  const absent = value === undefined || value === null || (value === '' && missing !== 'key-error');
  if (!absent) return undefined;
  if (missing === 'key-error') return caughtException(endpoint, 'KeyError', `'${field}'`);
  if (missing === 'value-error') return caughtException(endpoint, 'ValueError', `${field} is required`);
  return raised(endpoint, 400, `${field} is required`);
}

async function readPicture(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  { field, alias, picture }: FieldCheck,
  pictures: Map<string, Buffer>,
): Promise<Answer | undefined> {
  if (picture === undefined) return undefined;
  const value = body[field] ?? (alias === undefined ? undefined : body[alias]);
  const [first]: unknown[] = picture === 'data-url-list' && Array.isArray(value) ? value : [value];
  if (picture === 'data-url-list' && !Array.isArray(value)) {
    return caughtException(endpoint, 'ValueError', `${field} must be a non-empty list`);
  }
  if (typeof first !== 'string') {
    return caughtException(endpoint, 'TypeError', `argument of type '${typeof first}' is not iterable`);
  }
  const bytes = decodePicture(first, picture);
  if (bytes === undefined) {
    return caughtException(endpoint, 'Exception', `Invalid image file: ${first.slice(0, 200)}`);
  }
  const moving = picture === 'data-url-list' || picture === 'video';
  const isPicture = (await pictureSize(bytes)) !== undefined;
  if (!isPicture && !moving) return caughtException(endpoint, 'ValueError', 'Invalid image format');
  if (isPicture) pictures.set(field, bytes);
  return undefined;
}

/** Anything that is no data URL is looked up as a file on the server, where it does not exist. */
function decodePicture(text: string, kind: NonNullable<FieldCheck['picture']>): Buffer | undefined {
  const inline = decodeDataUrl(text);
  if (inline !== undefined) return inline.bytes;
  return kind === 'base64' ? Buffer.from(text, 'base64') : undefined;
}

async function measure(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  pictures: Map<string, Buffer>,
  loraFile: string | undefined,
): Promise<CheckedRequest | Answer> {
  const source = endpoint.sourceField === undefined ? undefined : pictures.get(endpoint.sourceField);
  const { width, height } = await outputSize(endpoint, body, source);
  const { frames } = endpoint;
  const request = {
    width,
    height,
    seed: numberField(body, 'seed', undefined),
    steps: numberField(body, 'steps', endpoint.steps),
    frames: frames === undefined ? 1 : numberField(body, frames.field, frames.count),
    fps: frames === undefined ? 1 : numberField(body, 'fps', frames.fps),
    loraFile,
    face: endpoint.faceField === undefined ? undefined : pictures.get(endpoint.faceField),
    source,
  };
  const numbers = [width, height, request.steps, request.frames, request.fps, request.seed ?? 0];
  if (!numbers.every((value) => Number.isFinite(value))) {
    return caughtException(endpoint, 'ValueError', 'invalid literal for int() with base 10');
  }
  if (width < 16 || height < 16 || request.steps < 1 || request.frames < 1 || request.fps < 1) {
    return caughtException(endpoint, 'Exception', 'ComfyUI API error: value_smaller_than_min');
  }
  if (width * height > maximumPixels) {
    return caughtException(endpoint, 'OutOfMemoryError', 'CUDA out of memory. Tried to allocate 38.44 GiB');
  }
  return { ...request, width: Math.round(width), height: Math.round(height) };
}

async function outputSize(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  source: Buffer | undefined,
): Promise<{ width: number; height: number }> {
  if (endpoint.size === 'source') {
    const size = (source && (await pictureSize(source))) ?? { width: 1024, height: 1024 };
    return endpoint.path === '/seedvr2' ? enlarged(size, body) : size;
  }
  const ratio = endpoint.headers === 'qwen' ? body['aspect_ratio'] : undefined;
  const preset = typeof ratio === 'string' ? qwenAspectRatios[ratio] : undefined;
  if (preset !== undefined) return preset;
  return {
    width: numberField(body, 'width', endpoint.size.width),
    height: numberField(body, 'height', endpoint.size.height),
  };
}

/** The shorter side becomes `resolution`, as long as the longer stays within `max_resolution`. */
function enlarged(
  size: { width: number; height: number },
  body: Record<string, unknown>,
): { width: number; height: number } {
  const wanted = numberField(body, 'resolution', 1080) / Math.min(size.width, size.height);
  const limit = numberField(body, 'max_resolution', 4000) / Math.max(size.width, size.height);
  const factor = Math.min(wanted, limit);
  return { width: Math.round(size.width * factor), height: Math.round(size.height * factor) };
}

function numberField<Default extends number | undefined>(
  body: Record<string, unknown>,
  field: string,
  fallback: Default,
): number | Default {
  const value = body[field];
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

/** Whether a parsed body is something the handlers can read fields from. */
export function readBody(text: string): Record<string, unknown> | 'not-json' | 'not-an-object' {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : 'not-an-object';
  } catch {
    return 'not-json';
  }
}
