import type { JsonObject, JsonValue } from '../domain/taxonomy';
import type { PixelSize } from './aspect-sizes';
import type { ModelDefinition, SlotSettings } from './types';

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

/** How far providers cap a large factor is documented nowhere: an upscale that grew by a quarter is taken. */
const surelyGrown = 1.25;

/**
 * The least an upscale must measure: more than its source, unless less was asked for. `undefined` for other models, and
 * while the size of the source is not known.
 */
export function leastUpscaledSize(
  { capabilities }: ModelDefinition,
  parameters: JsonObject,
  { sourceWidth, sourceHeight }: SlotSettings,
): PixelSize | undefined {
  if (!capabilities.includes('upscaling')) return undefined;
  if (sourceWidth === undefined || sourceHeight === undefined) return undefined;
  const { upscale_factor: factor, resolution: shorterSide } = parameters;
  let asked = surelyGrown;
  if (typeof factor === 'number') asked = factor;
  else if (typeof shorterSide === 'number') asked = shorterSide / Math.min(sourceWidth, sourceHeight);
  const growth = Math.min(asked, surelyGrown);
  return { width: Math.round(sourceWidth * growth), height: Math.round(sourceHeight * growth) };
}
