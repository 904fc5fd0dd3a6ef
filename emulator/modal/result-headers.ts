import type { EmulatorSettings } from '../settings';
import type { Fault } from '../faults/faults';
import type { CheckedRequest } from './check-request';
import { gpuRates, type ModalEndpoint } from './endpoints';

/** USD of a call, to the millionth: GPU seconds times the rate of the GPU the app runs on. */
export function callCostUsd({ gpu }: Pick<ModalEndpoint, 'gpu'>, seconds: number): number {
  return Math.round(seconds * gpuRates[gpu] * 1e6) / 1e6;
}

/**
 * Headers beside the content type. The handlers set many, but most routes lose them on the way: seen in practice
 * are the cost headers of `/flux-pulid` and the few that a route sets itself.
 */
export function resultHeaders(
  endpoint: ModalEndpoint,
  request: CheckedRequest,
  body: Record<string, unknown>,
  seconds: number,
  settings: EmulatorSettings,
  fault: Fault | undefined,
): Record<string, string> {
  const shown = settings.costHeaders || endpoint.path === '/flux-pulid' || fault?.name === 'bad_cost_headers';
  const headers = {
    'access-control-allow-origin': '*',
    ...ownHeaders(endpoint, body),
    ...(shown && fault?.name !== 'no_cost_headers' && costHeaders(endpoint, seconds)),
    ...(settings.costHeaders && familyHeaders(endpoint, request)),
  };
  if (fault?.name !== 'bad_cost_headers') return headers;
  return { ...headers, 'X-Cost-USD': fault.params.value ?? 'NaN' };
}

function costHeaders(endpoint: ModalEndpoint, seconds: number): Record<string, string> {
  return {
    'X-Cost-USD': callCostUsd(endpoint, seconds).toFixed(6),
    'X-Execution-Time-Sec': seconds.toFixed(3),
    'X-GPU-Type': endpoint.gpu,
  };
}

function ownHeaders(endpoint: ModalEndpoint, body: Record<string, unknown>): Record<string, string> {
  const nsfw = { 'X-NSFW-Mode': String(body['nsfw'] === true) };
  if (endpoint.path === '/flux-dev-realism') return { ...nsfw, 'X-Style': 'ultra-realistic' };
  return endpoint.path === '/z-image-lora' ? nsfw : {};
}

function familyHeaders(endpoint: ModalEndpoint, request: CheckedRequest): Record<string, string> {
  const model = { 'X-Model': endpoint.path.slice(1) };
  const loraHeader = endpoint.app === 'ryla-z-image' ? 'X-LoRA' : 'X-LoRA-Used';
  const lora = request.loraFile === undefined ? {} : { [loraHeader]: request.loraFile };
  const byFamily: Record<ModalEndpoint['headers'], Record<string, string>> = {
    image: lora,
    qwen: { ...model, ...lora, 'X-Steps': String(request.steps) },
    wan: { ...model, ...lora, 'X-Frames': String(request.frames), 'X-FPS': String(request.fps) },
    faceswap: { ...model, 'X-Frame-Count': String(request.frames) },
  };
  return byFamily[endpoint.headers];
}
