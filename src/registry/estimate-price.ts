import { roundUsd } from '../domain/round-usd';
import type { ModelDefinition, SlotSettings } from './types';

/** A price by megapixel needs a size; where none is known a picture counts as this many pixels. */
const assumedPixels = 1024 * 1024;

type Sized = Pick<SlotSettings, 'width' | 'height' | 'sourceWidth' | 'sourceHeight'>;

/** USD of one output by the price table, rounded to a millionth. Endpoints that keep the source's size count that. */
export function estimatePriceUsd({ price }: ModelDefinition, sized: Sized = {}): number {
  const usd = price.per === 'image' ? price.usd : (price.usd * pixelsOf(sized)) / 1e6;
  return roundUsd(usd);
}

function pixelsOf({ width, height, sourceWidth, sourceHeight }: Sized): number {
  if (width !== undefined && height !== undefined) return width * height;
  if (sourceWidth !== undefined && sourceHeight !== undefined) return sourceWidth * sourceHeight;
  return assumedPixels;
}
