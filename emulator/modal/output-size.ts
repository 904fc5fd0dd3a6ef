import { pictureSize } from '../pictures/render';
import { qwenAspectRatios, type ModalEndpoint } from './endpoints';
import { numberField } from './read-body';

interface Size {
  width: number;
  height: number;
}

/** Pixel size of the result; NaN where the body's own figures are none. */
export async function outputSize(
  endpoint: ModalEndpoint,
  body: Record<string, unknown>,
  source: Buffer | undefined,
): Promise<Size> {
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
function enlarged(size: Size, body: Record<string, unknown>): Size {
  const wanted = numberField(body, 'resolution', 1080) / Math.min(size.width, size.height);
  const limit = numberField(body, 'max_resolution', 4000) / Math.max(size.width, size.height);
  const factor = Math.min(wanted, limit);
  return { width: Math.round(size.width * factor), height: Math.round(size.height * factor) };
}
