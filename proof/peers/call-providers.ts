import { createFalClient } from '@fal-ai/client';
import axios from 'axios';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../src/domain/taxonomy';
import type { PeerCall, PeerJob } from './peer-job';

/** Base URLs of the emulated providers. */
export interface ProviderUrls {
  fal: string;
  comfyui: string;
}

/**
 * A picture as the usual code makes it: one call after another until one works, each with the library's defaults (the
 * Fal client's own retries included), and the bytes taken as they come.
 *
 * @throws the last call's error when none worked.
 */
export async function makePicture({ calls }: PeerJob, urls: ProviderUrls): Promise<Buffer> {
  let last: unknown = new Error('there is nothing to call');
  for (const call of calls) {
    try {
      return await callProvider(call, urls);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function callProvider(call: PeerCall, urls: ProviderUrls): Promise<Buffer> {
  switch (call.provider) {
    case 'modal':
      return callModal(call.url, call.body);
    case 'fal':
      return callFal(call.endpoint, call.body, urls.fal);
    case 'comfyui':
      return callComfyUi(call.graph, urls.comfyui);
  }
}

async function callModal(url: string, body: JsonObject): Promise<Buffer> {
  const { data } = await axios.post<ArrayBuffer>(url, body, { responseType: 'arraybuffer' });
  return Buffer.from(data);
}

interface FalPictures {
  images?: { url: string }[];
  image?: { url: string };
}

async function callFal(endpoint: string, input: JsonObject, base: string): Promise<Buffer> {
  const client = createFalClient({
    credentials: 'emulated',
    requestMiddleware: (request) =>
      Promise.resolve({ ...request, url: request.url.replace('https://queue.fal.run', `${base}/queue`) }),
  });
  const answer: { data: unknown } = await client.subscribe(endpoint, { input });
  const { images, image } = answer.data as FalPictures;
  const url = images?.[0]?.url ?? image?.url;
  if (url === undefined) throw new Error('no picture in the answer');
  return await download(url);
}

type History = Record<string, { outputs: Record<string, { images?: PodImage[] }> } | undefined>;
interface PodImage {
  filename: string;
  subfolder: string;
  type: string;
}

/** Runs the pod still has not finished by then are given up. */
const podMs = 120_000;
const podPollMs = 500;

async function callComfyUi(graph: JsonObject, base: string): Promise<Buffer> {
  const { data } = await axios.post<{ prompt_id: string }>(`${base}/prompt`, { prompt: graph });
  const giveUpAt = Date.now() + podMs;
  while (Date.now() < giveUpAt) {
    await delay(podPollMs);
    const history = await axios.get<History>(`${base}/history/${data.prompt_id}`);
    const run = history.data[data.prompt_id];
    if (run === undefined) continue;
    const image = Object.values(run.outputs).flatMap(({ images }) => images ?? [])[0];
    if (image === undefined) throw new Error('the run made no picture');
    return await download(`${base}/view?${new URLSearchParams({ ...image }).toString()}`);
  }
  throw new Error('the run did not finish');
}

async function download(url: string): Promise<Buffer> {
  const { data } = await axios.get<ArrayBuffer>(url, { responseType: 'arraybuffer' });
  return Buffer.from(data);
}
