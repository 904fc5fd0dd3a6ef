import createClient, { type Client } from 'openapi-fetch';
import { errorOf, StillRunning } from './errors';
import { pause, repeatingFetch } from './repeating-fetch';
import type { components, paths } from './schema';

export { ApiError, NoAnswer, StillRunning, type Problem, type ProblemCode } from './errors';

type Schemas = components['schemas'];
export type Generation = Schemas['Generation'];
export type Slot = Schemas['Slot'];
export type Asset = Schemas['Asset'];

/** The three flows and what each takes. */
export interface FlowRequests {
  'base-images': Schemas['BaseImagesRequest'];
  'profile-pictures': Schemas['ProfilePicturesRequest'];
  studio: Schemas['StudioRequest'];
}
export type Flow = keyof FlowRequests;

export interface ClientOptions {
  baseUrl: string;
  /** Left out: for an API in open mode. */
  apiKey?: string;
  /** Default: that of the platform. */
  fetch?: (request: Request) => Promise<Response>;
  /** Requests sent at the most for one call, the first one included; default 5. */
  tries?: number;
  /** Longest wait for one answer; default 30 s. No answer waits for a picture. */
  timeoutMs?: number;
  /** Longest pause that the server may ask for before a repeat; default 30 s. */
  longestPauseMs?: number;
}

export interface StartOptions {
  /**
   * Names this job: one that is started again with the same key and body is the same generation. Left out: made anew for
   * each call of `start`, and kept through the repeats inside it. Give one that you have stored to survive a crash of
   * your own.
   */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface WaitOptions {
  /** Default 1 s. */
  pollMs?: number;
  /** Default: as long as it takes. */
  timeoutMs?: number;
  onProgress?: (generation: Generation) => void;
  signal?: AbortSignal;
}

/** A generation that was accepted. */
export interface StartedGeneration {
  readonly id: string;
  /** What it was started with. */
  readonly idempotencyKey: string;
  read(): Promise<Generation>;
  /** Until it has ended, however it ended: look at its `status`. @throws StillRunning */
  wait(options?: WaitOptions): Promise<Generation>;
  cancel(): Promise<void>;
}

/** Every method throws ApiError or NoAnswer. */
export interface GenerationClient {
  /** Every route, typed; errors come back instead of being thrown. */
  readonly api: Client<paths>;
  start<Name extends Flow>(
    flow: Name,
    body: FlowRequests[Name],
    options?: StartOptions,
  ): Promise<StartedGeneration>;
  /** One that was started before, such as by another process. */
  generation(id: string): Promise<Generation>;
  wait(id: string, options?: WaitOptions): Promise<Generation>;
  cancel(id: string): Promise<void>;
  /** A picture or clip; its `url` is what requests take. */
  upload(file: Blob | Uint8Array<ArrayBuffer>, mediaType?: string): Promise<Asset>;
  /** The bytes of an asset, by its id or its URL. */
  download(asset: string): Promise<Blob>;
}

export function createGenerationClient(options: ClientOptions): GenerationClient {
  const { baseUrl, apiKey, tries = 5, timeoutMs = 30_000, longestPauseMs = 30_000 } = options;
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const repeating = (request: Request): Promise<Response> =>
    repeatingFetch(request, { fetch: send, tries, timeoutMs, longestPauseMs });
  const api = createClient<paths>({ baseUrl, headers, fetch: repeating });
  const call = async (method: string, path: string, init: RequestInit = {}): Promise<Response> => {
    const request = new Request(new URL(path, baseUrl), { ...init, method });
    for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
    const response = await repeating(request);
    if (!response.ok) throw await errorOf(response);
    return response;
  };

  const generation = async (id: string, signal?: AbortSignal): Promise<Generation> => {
    const path = `/v1/generations/${encodeURIComponent(id)}`;
    const response = await call('GET', path, signal === undefined ? {} : { signal });
    return (await response.json()) as Generation;
  };
  const wait = (id: string, waiting?: WaitOptions): Promise<Generation> =>
    untilEnded(id, (signal) => generation(id, signal), waiting);
  const cancel = async (id: string): Promise<void> => {
    await call('POST', `/v1/generations/${encodeURIComponent(id)}/cancel`);
  };

  return {
    api,
    generation: (id) => generation(id),
    wait,
    cancel,
    async start(flow, body, { idempotencyKey = crypto.randomUUID(), signal } = {}) {
      const response = await call('POST', `/v1/${flow}`, {
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify(body),
        ...(signal !== undefined && { signal }),
      });
      const { id } = (await response.json()) as Schemas['StartedGeneration'];
      return {
        id,
        idempotencyKey,
        read: () => generation(id),
        wait: (waiting) => wait(id, waiting),
        cancel: () => cancel(id),
      };
    },
    async upload(
      file,
      mediaType = file instanceof Blob && file.type !== '' ? file.type : 'application/octet-stream',
    ) {
      const body = file instanceof Blob ? file : new Blob([file]);
      const response = await call('POST', '/v1/assets', { headers: { 'content-type': mediaType }, body });
      return (await response.json()) as Asset;
    },
    async download(asset) {
      const path = asset.includes('/') ? asset : `/v1/assets/${asset}`;
      // A URL of another host would get the key.
      if (new URL(path, baseUrl).origin !== new URL(baseUrl).origin)
        throw new TypeError('this is no asset of the API');
      return await (await call('GET', path)).blob();
    },
  };
}

const ends: readonly Generation['status'][] = ['completed', 'partial', 'failed', 'cancelled'];

async function untilEnded(
  id: string,
  read: (signal?: AbortSignal) => Promise<Generation>,
  { pollMs = 1000, timeoutMs = Infinity, onProgress, signal }: WaitOptions = {},
): Promise<Generation> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const now = await read(signal);
    onProgress?.(now);
    if (ends.includes(now.status)) return now;
    if (Date.now() + pollMs > deadline) throw new StillRunning(id);
    await pause(pollMs, signal);
  }
}
