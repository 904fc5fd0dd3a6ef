import { muxMotionJpeg } from '../mjpeg-mp4';
import { derivedSeed } from '../fingerprint';
import { renderAnimation, renderBlack, renderFrames, renderPicture, type Picture } from '../render';
import type { CheckedRequest } from './check-request';
import type { ModalEndpoint } from './endpoints';

/** The seed a call runs with: the request's, else what the route does without one. */
export function seedOf(endpoint: ModalEndpoint, request: CheckedRequest, bodyHash: string): number {
  if (request.seed !== undefined) return request.seed;
  return endpoint.seed === 'derived' ? derivedSeed(endpoint.path, bodyHash) : endpoint.seed;
}

/** Draws what a call returns, in the encoding its route saves. */
export async function renderResult(
  endpoint: ModalEndpoint,
  request: CheckedRequest,
  job: {
    prompt: string;
    seed: number;
    fingerprint: string;
    imageBytes: 'jpeg' | 'png';
    black: boolean;
    notes?: string[];
  },
): Promise<Buffer> {
  const format = endpoint.output === 'image/png' ? 'png' : job.imageBytes;
  const picture: Picture = {
    provider: 'modal',
    endpoint: endpoint.path,
    prompt: job.prompt,
    seed: job.seed,
    width: request.width,
    height: request.height,
    fingerprint: job.fingerprint,
    notes: [...(request.loraFile === undefined ? [] : [`LoRA ${request.loraFile}`]), ...(job.notes ?? [])],
    identityName: request.loraFile?.replace(/^(?:qwen-|wan-)/, ''),
    reference: request.face,
    source: request.source,
    format,
  };
  if (job.black) return await renderBlack(request.width, request.height, format);
  if (endpoint.output === 'image/webp') return await renderAnimation(picture, request.frames, request.fps);
  if (endpoint.output !== 'video/mp4') return await renderPicture(picture);
  const frames = await renderFrames(picture, request.frames);
  return muxMotionJpeg(frames, { width: request.width, height: request.height, fps: 2 });
}
