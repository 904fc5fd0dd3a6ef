import { z } from 'zod';
import type { SlotSettings } from '../types';

/** An alias, as an interface would not count as JSON. */
type Size = { width: number; height: number };

/** Fal's names for sizes. We never send one: a body in pixels says its true size, by which it is priced and checked. */
const sizeNames = [
  'square_hd',
  'square',
  'portrait_4_3',
  'portrait_16_9',
  'landscape_4_3',
  'landscape_16_9',
] as const;

/** `landscape_4_3`, the default of most endpoints, in pixels. */
export const landscape43: Size = { width: 1024, height: 768 };

/** A size in pixels: an object, as top-level `width` and `height` exist on none of Fal's endpoints. */
export function pixelSizeField(minimum = 256, maximum = 2048) {
  const side = z.int().min(minimum).max(maximum);
  return z.strictObject({ width: side, height: side });
}

/** Fal's `image_size`: a name, one of the endpoint's own (`auto`, say) among them, or pixels. */
export function falSizeField(pixels: z.ZodType<Size> = pixelSizeField(), ...ownNames: string[]) {
  return z.union([z.enum([...sizeNames, ...ownNames]), pixels]);
}

/** `image_size` in pixels; absent unless both sides were asked for. */
export function falImageSize({ width, height }: SlotSettings): Size | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}
