import { muxMotionJpeg } from '../pictures/mjpeg-mp4';
import type { Fault } from '../faults/faults';
import { derivedSeed } from '../pictures/fingerprint';
import { struckPicture } from '../faults/picture-faults';
import { renderAnimation, renderBlack, renderFrames, renderPicture, type Picture } from '../pictures/render';
import type { CheckedRequest } from './check-request';
import type { ModalEndpoint } from './endpoints';

/** The seed a call runs with: the request's, else what the route does without one. */
export function seedOf(endpoint: ModalEndpoint, request: CheckedRequest, bodyHash: string): number {
  if (request.seed !== undefined) return request.seed;
  return endpoint.seed === 'derived' ? derivedSeed(endpoint.path, bodyHash) : endpoint.seed;
}

/** What a result is drawn from, beside the request itself. */
export interface DrawingOrder {
  prompt: string;
  seed: number;
  fingerprint: string;
  imageBytes: 'jpeg' | 'png';
  fault: Fault | undefined;
}

/** Draws what a call returns, in the encoding its route saves. */
export async function renderResult(
  endpoint: ModalEndpoint,
  request: CheckedRequest,
  order: DrawingOrder,
): Promise<Buffer> {
  const { width, height, frames, fps } = request;
  const picture = struckPicture(describePicture(endpoint, request, order), order.fault);
  if (order.fault?.name === 'black_image') return await renderBlack(width, height, picture.format);
  if (endpoint.output === 'image/webp') return await renderAnimation(picture, frames, fps);
  if (endpoint.output !== 'video/mp4') return await renderPicture(picture);
  const stills = await renderFrames(picture, frames);
  return muxMotionJpeg(stills, { width, height, fps: (stills.length * fps) / frames });
}

function describePicture(endpoint: ModalEndpoint, request: CheckedRequest, order: DrawingOrder): Picture {
  const { width, height, loraFile, face, source } = request;
  return {
    provider: 'modal',
    endpoint: endpoint.path,
    prompt: order.prompt,
    seed: order.seed,
    width,
    height,
    fingerprint: order.fingerprint,
    notes: loraFile === undefined ? [] : [`LoRA ${loraFile}`],
    // The files of one character differ by model family; the person does not.
    identityName: loraFile?.replace(/^(?:qwen-|wan-)/, ''),
    reference: face,
    source,
    format: endpoint.output === 'image/png' ? 'png' : order.imageBytes,
  };
}
