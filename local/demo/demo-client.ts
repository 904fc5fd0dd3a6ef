import { z } from 'zod';
import { errorMessage } from '../stack/error-message';
import { DemoError } from './demo-error';

const attemptSchema = z.object({
  number: z.number(),
  provider: z.string(),
  endpoint: z.string(),
  outcome: z.string(),
  seconds: z.number(),
  message: z.string().optional(),
});

const slotSchema = z.object({
  slot: z.number(),
  label: z.string(),
  status: z.string(),
  provider: z.string().nullable(),
  endpoint: z.string().nullable(),
  identity: z.string(),
  attempts: z.array(attemptSchema),
  costUsd: z.number(),
  assetUrl: z.string().nullable(),
  mediaType: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});

const generationSchema = z.object({
  id: z.string(),
  flow: z.string(),
  status: z.string(),
  live: z.boolean(),
  costUsd: z.number(),
  atRiskUsd: z.number(),
  slots: z.array(slotSchema),
  links: z.object({ temporalUi: z.string().optional() }),
});

const acceptedSchema = z.object({ id: z.string() });
const problemSchema = z.object({ detail: z.string().optional(), title: z.string().optional() });
const journalSchema = z.object({ entries: z.array(z.object({ endpoint: z.string(), outcome: z.string() })) });

export type DemoSlot = z.infer<typeof slotSchema>;
export type DemoGeneration = z.infer<typeof generationSchema>;

/** Any one answer; none of them waits for a picture. */
const timeoutMs = 15_000;

/** The HTTP API as a customer would use it, and the emulator's control API. Every method throws DemoError. */
export interface DemoClient {
  putCharacter(id: string, name: string): Promise<void>;
  putLora(
    characterId: string,
    loraId: string,
    lora: { baseModel: string; triggerWord: string },
  ): Promise<void>;
  /** Starts a generation and returns its id. */
  start(flow: 'base-images' | 'profile-pictures' | 'studio', body: object): Promise<string>;
  generation(id: string): Promise<DemoGeneration>;
  download(assetUrl: string): Promise<Buffer>;
  setProvider(name: string, state: 'up' | 'down'): Promise<void>;
  /** How many jobs the provider is working on. */
  runningJobs(name: string): Promise<number>;
}

export function createDemoClient(urls: { api: string; control: string }): DemoClient {
  const api = (method: string, path: string, body?: object): Promise<unknown> =>
    callJson(method, urls.api, path, body);
  const control = (method: string, path: string, body?: object): Promise<unknown> =>
    callJson(method, urls.control, path, body);
  return {
    putCharacter: async (id, name) => {
      await api('PUT', `/v1/characters/${id}`, { name });
    },
    putLora: async (characterId, loraId, lora) => {
      await api('PUT', `/v1/characters/${characterId}/loras/${loraId}`, lora);
    },
    start: async (flow, body) => acceptedSchema.parse(await api('POST', `/v1/${flow}`, body)).id,
    generation: async (id) => generationSchema.parse(await api('GET', `/v1/generations/${id}`)),
    download: async (assetUrl) => Buffer.from(await (await call('GET', urls.api, assetUrl)).arrayBuffer()),
    setProvider: async (name, state) => {
      await control('POST', `/control/providers/${name}`, { state });
    },
    runningJobs: async (name) => {
      const { entries } = journalSchema.parse(await control('GET', `/control/journal?provider=${name}`));
      return entries.filter(({ outcome }) => outcome === 'running').length;
    },
  };
}

async function callJson(method: string, base: string, path: string, body?: object): Promise<unknown> {
  const response = await call(method, base, path, body);
  return response.status === 204 ? undefined : response.json();
}

async function call(method: string, base: string, path: string, body?: object): Promise<Response> {
  const request: RequestInit = { method, signal: AbortSignal.timeout(timeoutMs) };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { 'content-type': 'application/json' };
  }
  const response = await fetch(new URL(path, base), request).catch((error: unknown) => {
    const reason = errorMessage(error);
    throw new DemoError(`${method} ${path} got no answer: ${reason}`, { cause: error });
  });
  if (response.ok) return response;
  throw new DemoError(`${method} ${path} was answered with ${response.status}: ${await problemIn(response)}`);
}

async function problemIn(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const problem = problemSchema.parse(JSON.parse(text));
    return problem.detail ?? problem.title ?? text.slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}
