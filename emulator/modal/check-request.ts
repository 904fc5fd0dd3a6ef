import type { Answer } from '../http/answer';
import { decodeDataUrl } from '../http/describe-body';
import { maximumPixels, pictureSize } from '../pictures/render';
import type { FieldCheck, ModalEndpoint } from './endpoints';
import { caughtException, loraNotFound, raised } from './errors';
import type { LoraVolume } from './loras';
import { outputSize } from './output-size';
import { numberField } from './read-body';

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
  const request = await measure(endpoint, body, pictures, lora?.file);
  return impossible(endpoint, request) ?? request;
}

function checkLora(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  loras: LoraVolume,
): { file: string } | Answer | undefined {
  if (endpoint.path === '/flux-dev-realism') {
    const file = 'flux-realism.safetensors';
    return loras.list().includes(file) ? { file } : loraNotFound(file);
  }
  if (endpoint.lora === undefined) return undefined;
  const lora = loras.resolve(endpoint.lora, body);
  if (lora === undefined) return raised(endpoint, 400, 'lora_id or lora_name is required');
  return 'file' in lora ? lora : loraNotFound(lora.missing);
}

function missingField(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  check: FieldCheck,
): Answer | undefined {
  const { field, missing } = check;
  const value = fieldValue(body, check);
  const absent = value === undefined || value === null || (value === '' && missing !== 'key-error');
  if (!absent) return undefined;
  if (missing === 'key-error') return caughtException(endpoint, 'KeyError', `'${field}'`);
  if (missing === 'value-error') return caughtException(endpoint, 'ValueError', `${field} is required`);
  return raised(endpoint, 400, `${field} is required`);
}

async function readPicture(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  check: FieldCheck,
  pictures: Map<string, Buffer>,
): Promise<Answer | undefined> {
  const { field, picture } = check;
  if (picture === undefined) return undefined;
  const value = fieldValue(body, check);
  if (picture === 'data-url-list' && !Array.isArray(value)) {
    return caughtException(endpoint, 'ValueError', `${field} must be a non-empty list`);
  }
  const first: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof first !== 'string') {
    return caughtException(endpoint, 'TypeError', `argument of type '${typeof first}' is not iterable`);
  }
  const bytes = decodePicture(first, picture);
  if (bytes === undefined) {
    return caughtException(endpoint, 'Exception', `Invalid image file: ${first.slice(0, 200)}`);
  }
  const moving = picture === 'data-url-list' || picture === 'video';
  const isPicture = (await pictureSize(bytes)) !== undefined;
  if (isPicture) pictures.set(field, bytes);
  // Clips are not looked into: whatever decodes as a picture is drawn into the result, the rest is taken as it is.
  return isPicture || moving ? undefined : caughtException(endpoint, 'ValueError', 'Invalid image format');
}

function fieldValue(body: Record<string, unknown>, { field, alias }: FieldCheck): unknown {
  return body[field] ?? (alias === undefined ? undefined : body[alias]);
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
  pictures: ReadonlyMap<string, Buffer>,
  loraFile: string | undefined,
): Promise<CheckedRequest> {
  const { faceField = '', sourceField = '', frames } = endpoint;
  const source = pictures.get(sourceField);
  const { width, height } = await outputSize(endpoint, body, source);
  return {
    width: Math.round(width),
    height: Math.round(height),
    seed: numberField(body, 'seed', undefined),
    steps: numberField(body, 'steps', endpoint.steps),
    frames: frames === undefined ? 1 : numberField(body, frames.field, frames.count),
    fps: frames === undefined ? 1 : numberField(body, 'fps', frames.fps),
    loraFile,
    face: pictures.get(faceField),
    source,
  };
}

/** The handlers check no numbers: what cannot be computed surfaces as a 500 from below. */
function impossible(endpoint: ModalEndpoint, request: CheckedRequest): Answer | undefined {
  const { width, height, steps, frames, fps, seed = 0 } = request;
  if (![width, height, steps, frames, fps, seed].every((value) => Number.isFinite(value))) {
    return caughtException(endpoint, 'ValueError', 'invalid literal for int() with base 10');
  }
  if (width < 16 || height < 16 || steps < 1 || frames < 1 || fps < 1) {
    return caughtException(endpoint, 'Exception', 'ComfyUI API error: value_smaller_than_min');
  }
  if (width * height <= maximumPixels) return undefined;
  return caughtException(endpoint, 'OutOfMemoryError', 'CUDA out of memory. Tried to allocate 38.44 GiB');
}
