import { z } from 'zod';
import type { SlotSettings } from '../types';
import { falImageSize, falSizeField } from './fal-image-size';

const minimumPixels = 2560 * 1440;
const maximumPixels = 4096 * 4096;

/** An alias, as an interface would not count as JSON. */
type Size = { width: number; height: number };

/** Longest side Fal takes of any picture: a strip would fit Seedream's sum of pixels. */
const maximumSide = 14_142;

const side = z.int().min(1).max(maximumSide);

/** Seedream refuses small pictures: each side 1920-4096, or 2560×1440 to 4096×4096 pixels in all. */
const seedreamPixels = z
  .strictObject({ width: side, height: side })
  .refine(isSeedreamSize, 'Seedream needs each side 1920-4096 or 2560×1440 to 4096×4096 pixels in all');

export const seedreamSizeField = falSizeField(seedreamPixels, 'auto_2K', 'auto_4K');

/** The size asked for, scaled up to Seedream's minimum where it is smaller; the shape stays (to a pixel a side). */
export function seedreamSize(settings: SlotSettings): Size | undefined {
  const asked = falImageSize(settings);
  if (asked === undefined || isSeedreamSize(asked)) return asked;
  const factor = Math.sqrt(minimumPixels / (asked.width * asked.height));
  return { width: Math.ceil(asked.width * factor), height: Math.ceil(asked.height * factor) };
}

function isSeedreamSize({ width, height }: Size): boolean {
  const pixels = width * height;
  return (
    (isSeedreamSide(width) && isSeedreamSide(height)) || (pixels >= minimumPixels && pixels <= maximumPixels)
  );
}

function isSeedreamSide(side: number): boolean {
  return side >= 1920 && side <= 4096;
}
