import type { JsonObject, JsonValue } from '../domain/taxonomy';
import type { PixelSize } from './aspect-sizes';

/** Fields only clips have. Their decoders and models round sizes as they like, so they are not held to any. */
const clipFields = ['length', 'num_frames', 'fps'] as const;

/**
 * Pixels a wire body fixes for its result; `undefined` where the endpoint decides (edits and variations keep the
 * source's size, upscalers multiply it) and for clips. A Qwen body has its pixels beside `aspect_ratio`.
 */
export function expectedSizeOf(parameters: JsonObject): PixelSize | undefined {
  if (clipFields.some((field) => field in parameters)) return undefined;
  return (
    sizeIn(parameters['image_size']) ??
    sizeIn({ width: parameters['width'] ?? null, height: parameters['height'] ?? null })
  );
}

function sizeIn(value: JsonValue | undefined): PixelSize | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { width, height } = value;
  return typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
}
