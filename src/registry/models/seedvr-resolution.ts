import type { SlotSettings } from '../types';

const maximumPixels = 4000;
const defaultFactor = 2;

/**
 * Target of the shorter side in pixels, as `/seedvr2` ignores `scale`: source × factor (default 2), at most 4000 on
 * the longer side. `undefined`, hence the endpoint's 1080, while the size of the source is not known.
 */
export function seedvrResolution({
  sourceWidth,
  sourceHeight,
  upscaleFactor,
}: SlotSettings): number | undefined {
  if (sourceWidth === undefined || sourceHeight === undefined) return undefined;
  const factor = upscaleFactor ?? defaultFactor;
  const capped = Math.min(factor, maximumPixels / Math.max(sourceWidth, sourceHeight));
  return Math.max(16, Math.round(Math.min(sourceWidth, sourceHeight) * capped));
}
