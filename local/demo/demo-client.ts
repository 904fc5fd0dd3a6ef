import { z } from 'zod';
import { ApiError, createGenerationClient, type Flow, type FlowRequests } from '../../client/src';
import { errorMessage } from '../stack/error-message';
import { DemoError } from './demo-error';

const journalSchema = z.object({ entries: z.array(z.object({ endpoint: z.string(), outcome: z.string() })) });

/** What the demo looks at; an answer has more. */
export interface DemoSlot {
  slot: number;
  label: string;
  status: string;
  provider: string | null;
  endpoint: string | null;
  identity: string;
  attempts: DemoAttempt[];
  costUsd: number;
  assetUrl: string | null;
  mediaType: string | null;
  error: { code: string; message: string } | null;
  startedAt: string | null;
  finishedAt: string | null;
}

interface DemoAttempt {
  number: number;
  provider: string;
  endpoint: string;
  outcome: string;
  seconds: number;
  message?: string | undefined;
}

export interface DemoGeneration {
  id: string;
  flow: string;
  status: string;
  live: boolean;
  costUsd: number;
  atRiskUsd: number;
  slots: DemoSlot[];
  links: { temporalUi?: string | undefined };
}

/** Any one answer; none of them waits for a picture. */
const timeoutMs = 15_000;

/** The HTTP API as a customer would use it, and the emulator's control API. Every method throws DemoError. */
export interface DemoClient {
  putCharacter(id: string, name: string): Promise<void>;
  putLora(
    characterId: string,
    loraId: string,
    lora: { baseModel: 'flux'; triggerWord: string },
  ): Promise<void>;
  /** Starts a generation and returns its id. */
  start(flow: Flow, body: object): Promise<string>;
  generation(id: string): Promise<DemoGeneration>;
  download(assetUrl: string): Promise<Buffer>;
  setProvider(name: string, state: 'up' | 'down'): Promise<void>;
  /** How many jobs the provider is working on. */
  runningJobs(name: string): Promise<number>;
}

export function createDemoClient(urls: { api: string; control: string }): DemoClient {
  const client = createGenerationClient({ baseUrl: urls.api, timeoutMs });
  const control = (method: string, path: string, body?: object): Promise<unknown> =>
    callControl(method, new URL(path, urls.control), body);
  return {
    putCharacter: (id, name) =>
      told(`PUT /v1/characters/${id}`, async () => {
        const { error, response } = await client.api.PUT('/v1/characters/{id}', {
          params: { path: { id } },
          body: { name },
        });
        if (error !== undefined) throw new ApiError(response.status, error);
      }),
    putLora: (id, loraId, lora) =>
      told(`PUT /v1/characters/${id}/loras/${loraId}`, async () => {
        const path = { id, loraId };
        const body = { ...lora, status: 'ready', defaultStrength: 1 } as const;
        const { error, response } = await client.api.PUT('/v1/characters/{id}/loras/{loraId}', {
          params: { path },
          body,
        });
        if (error !== undefined) throw new ApiError(response.status, error);
      }),
    start: (flow, body) =>
      // The API checks it; the demo is there to show that.
      told(
        `The start of ${flow}`,
        async () => (await client.start(flow, body as FlowRequests[typeof flow])).id,
      ),
    generation: (id) => told(`GET /v1/generations/${id}`, () => client.generation(id)),
    download: (assetUrl) =>
      told(`GET ${assetUrl}`, async () => Buffer.from(await (await client.download(assetUrl)).arrayBuffer())),
    setProvider: async (name, state) => {
      await control('POST', `/control/providers/${name}`, { state });
    },
    runningJobs: async (name) => {
      const { entries } = journalSchema.parse(await control('GET', `/control/journal?provider=${name}`));
      return entries.filter(({ outcome }) => outcome === 'running').length;
    },
  };
}

/** @throws DemoError that says what failed */
async function told<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    const how = error instanceof ApiError ? `was answered with ${error.status}` : 'got no answer';
    throw new DemoError(`${what} ${how}: ${errorMessage(error)}`, { cause: error });
  }
}

/** The emulator's own door, which is no part of the API. */
async function callControl(method: string, url: URL, body?: object): Promise<unknown> {
  return await told(`${method} ${url.pathname}`, async () => {
    const request: RequestInit = { method, signal: AbortSignal.timeout(timeoutMs) };
    if (body !== undefined) {
      request.body = JSON.stringify(body);
      request.headers = { 'content-type': 'application/json' };
    }
    const response = await fetch(url, request);
    if (!response.ok) throw new ApiError(response.status, undefined);
    return response.status === 204 ? undefined : await response.json();
  });
}
