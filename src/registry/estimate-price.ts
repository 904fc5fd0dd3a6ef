import { roundUsd } from '../domain/round-usd';
import type { PixelSize } from './aspect-sizes';
import { expectedSizeOf } from './expected-size';
import { parseWire } from './parse-wire';
import type { ModelDefinition, SlotSettings } from './types';

/** A price by megapixel needs a size; where none is known a picture counts as this many pixels. */
const assumedPixels = 1024 * 1024;

type Sized = Partial<SlotSettings>;

/**
 * USD of one output by the price table, rounded to a millionth: the very sum the provider bills for it. Priced by the
 * size the wire body asks for; endpoints that keep the source's size count that.
 */
export function estimatePriceUsd(model: ModelDefinition, settings: Sized = {}): number {
  const { price } = model;
  return roundUsd(price.per === 'image' ? price.usd : (price.usd * pixelsOf(model, settings)) / 1e6);
}

function pixelsOf(model: ModelDefinition, settings: Sized): number {
  const { width, height } = wireSize(model, settings) ?? sourceSize(settings) ?? {};
  return width === undefined || height === undefined ? assumedPixels : width * height;
}

/** The settings as the endpoint is sent them: its own defaults and limits included. */
function wireSize(model: ModelDefinition, settings: Sized): PixelSize | undefined {
  const wire = parseWire(model, { prompt: 'a', seed: 0, nsfw: false, ...settings });
  return wire.ok ? expectedSizeOf(wire.parameters) : undefined;
}

function sourceSize({ sourceWidth: width, sourceHeight: height }: Sized): PixelSize | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}
