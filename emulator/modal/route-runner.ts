import { type Answer, bytesAnswer, textAnswer } from '../http/answer';
import type { EmulatorContext } from '../context';
import { describeBody } from '../http/describe-body';
import type { Fault } from '../faults/faults';
import { sha256 } from '../pictures/fingerprint';
import type { AcceptedJob } from '../journal';
import { jobSeconds, typicalSeconds } from '../latency';
import { containerCrash, simpleFaultAnswer } from '../faults/simple-faults';
import { type CheckedRequest, checkRequest } from './check-request';
import type { ModalEndpoint } from './endpoints';
import { caughtException, httpException, loraNotFound, notFound, unreadableBody } from './errors';
import type { LoraVolume } from './loras';
import type { readBody } from './read-body';
import { renderResult, seedOf } from './render-result';
import { callCostUsd, resultHeaders } from './result-headers';
import type { FaultName } from '../faults/fault-catalogue';

/** A request that passed the handler's checks: from here on a GPU works on it. */
export interface RouteOrder {
  endpoint: ModalEndpoint;
  request: CheckedRequest;
  body: Record<string, unknown>;
  described: { body: unknown; bodyHash: string };
  seed: number;
  fault: Fault | undefined;
}

/** The routes at work in their containers, whichever form of request asked for it. */
export class RouteRunner {
  readonly #context: EmulatorContext;
  readonly #loras: LoraVolume;
  readonly #lastUse = new Map<string, number>();

  constructor(context: EmulatorContext, loras: LoraVolume) {
    this.#context = context;
    this.#loras = loras;
  }

  reset(): void {
    this.#lastUse.clear();
  }

  /** What a route would work on, or its refusal: a plain call is charged nothing for that. */
  async check(
    endpoint: ModalEndpoint,
    body: ReturnType<typeof readBody>,
    fault: Fault | undefined,
  ): Promise<RouteOrder | Answer> {
    const fixed = fixedFaultAnswer(endpoint, fault);
    if (fixed !== undefined) return fixed;
    if (typeof body === 'string') return unreadableBody(endpoint, body);
    const request = await checkRequest(endpoint, body, this.#loras);
    if ('status' in request) return request;
    const described = describeBody(body);
    const seed = fault?.name === 'same_seed' ? 42 : seedOf(endpoint, request, described.bodyHash);
    return { endpoint, request, body, described, seed, fault };
  }

  /** Seconds until a container of this app can work; counts as a use of it. */
  coldStartSeconds(app: string): number {
    const { modal, timeScale } = this.#context.settings.current;
    const idle = (Date.now() - (this.#lastUse.get(app) ?? -Infinity)) / 1000 / Math.max(timeScale, 1e-6);
    this.#lastUse.set(app, Date.now());
    return idle > idleLimitSeconds ? modal.coldStartSeconds : 0;
  }

  /** Seconds until this order is begun; counts as a use of the app. */
  startSeconds({ endpoint, fault }: RouteOrder): number {
    const extra = fault?.name === 'cold_start' ? (fault.params.seconds ?? 200) : 0;
    return this.coldStartSeconds(endpoint.app) + extra;
  }

  /** Seconds the route works on this order. */
  workSeconds({ endpoint, described }: RouteOrder): number {
    const { settings, seed } = this.#context;
    const job = { endpoint: endpoint.path, ownSeconds: endpoint.seconds, fingerprint: described.bodyHash };
    return jobSeconds(settings, seed, job);
  }

  /** What the route answers at its end. */
  async answer({ endpoint, request, body, described, seed, fault }: RouteOrder): Promise<Answer> {
    const crash = crashAnswer(endpoint, fault);
    if (crash !== undefined) return crash;
    const settings = this.#context.settings.current;
    // Under `same_seed` the picture must not differ by the seed that was sent.
    const identical = fault?.name === 'same_seed' ? sha256(String(body['prompt'])) : described.bodyHash;
    const bytes = await renderResult(endpoint, request, {
      prompt: promptOf(body),
      seed,
      fingerprint: sha256(`${endpoint.path}\n${identical}`),
      imageBytes: fault?.name === 'wrong_content_type' ? 'png' : settings.modal.imageBytes,
      fault,
    });
    const headers = resultHeaders(endpoint, request, body, billedSeconds(endpoint), settings, fault);
    const declared = fault?.name === 'wrong_content_type' ? fault.params.value : undefined;
    return bytesAnswer(200, declared ?? endpoint.output, bytes, headers);
  }
}

/** GPU seconds one whole run is charged for: typical ones, never scaled. */
export function billedSeconds(endpoint: ModalEndpoint): number {
  return typicalSeconds(endpoint.path, endpoint.seconds);
}

/** USD of one whole run. */
export function runCostUsd(endpoint: ModalEndpoint): number {
  return callCostUsd(endpoint, billedSeconds(endpoint));
}

/** What the journal is told of an order. */
export function journalled({ endpoint, request, described, seed }: RouteOrder): AcceptedJob {
  const { width, height } = request;
  return { provider: 'modal', endpoint: endpoint.path, app: endpoint.app, ...described, width, height, seed };
}

/** What the caption and the faults take for the prompt. */
export function promptOf(body: Record<string, unknown>): string {
  const text = body['prompt'] ?? body['instruction'];
  return typeof text === 'string' ? text : '';
}

/** Seconds without a call after which an app's containers are gone. */
const idleLimitSeconds = 300;

function crashAnswer(endpoint: ModalEndpoint, fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'plain_500') return textAnswer(500, containerCrash);
  if (fault?.name !== 'crash_500') return undefined;
  const { type = 'RuntimeError', message = 'Both API and infer methods failed' } = fault.params;
  return caughtException(endpoint, type, message);
}

const answers: Partial<Record<FaultName, (endpoint: ModalEndpoint, fault: Fault) => Answer | undefined>> = {
  lora_missing: () => loraNotFound('character-missing.safetensors'),
  route_missing: () => notFound,
  input_as_500: (endpoint, { params: { field = 'prompt' } }) =>
    caughtException(endpoint, 'KeyError', `'${field}'`),
  nodes_503: (endpoint) => caughtException(endpoint, 'HTTPException', '503: InstantID nodes not loaded'),
  model_files_missing: (endpoint) =>
    caughtException(endpoint, 'FileNotFoundError', 'SeedVR2 model files not found in /root/models/SEEDVR2'),
  faceswap_502: () => httpException(502, 'Face swap service failed'),
};

/** Faults that answer before any GPU work: a plain call is charged nothing. `undefined` for all others. */
function fixedFaultAnswer(endpoint: ModalEndpoint, fault: Fault | undefined): Answer | undefined {
  // This one strikes a container while it works: a paid call that fails.
  if (fault === undefined || fault.name === 'plain_500') return undefined;
  return answers[fault.name]?.(endpoint, fault) ?? simpleFaultAnswer('modal', fault);
}
