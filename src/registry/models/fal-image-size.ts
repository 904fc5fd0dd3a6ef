import type { SlotSettings } from '../types';

/** `image_size` in pixels; absent unless both sides were asked for. */
export function falImageSize({ width, height }: SlotSettings): { width: number; height: number } | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}
