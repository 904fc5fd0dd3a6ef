import { isRecord } from '../http/describe-body';
import type { FalEndpoint } from './endpoints';
import { presetSizes } from './fields';

export interface Size {
  width: number;
  height: number;
}

/** Preset aspect ratios at Seedream's own scale. */
const seedreamSizes: Readonly<Record<string, Size>> = {
  square_hd: { width: 2048, height: 2048 },
  square: { width: 2048, height: 2048 },
  portrait_4_3: { width: 1728, height: 2304 },
  portrait_16_9: { width: 1440, height: 2560 },
  landscape_4_3: { width: 2304, height: 1728 },
  landscape_16_9: { width: 2560, height: 1440 },
  auto_2K: { width: 2048, height: 2048 },
  auto_4K: { width: 4096, height: 4096 },
};

/** Pixel size of the result of a valid input. */
export function outputSize(
  endpoint: FalEndpoint,
  input: Record<string, unknown>,
  source: Size | undefined,
): Size {
  const asked = input['image_size'];
  if (endpoint.size === 'enlarged') return enlarged(input, source ?? presetSizes.square_hd);
  if (isRecord(asked)) return { width: Number(asked['width']), height: Number(asked['height']) };
  if (endpoint.size === 'seedream') return seedreamSizes[String(asked)] ?? presetSizes.square_hd;
  const preset = Object.entries(presetSizes).find(([name]) => name === asked)?.[1];
  return preset ?? source ?? presetSizes.landscape_4_3;
}

function enlarged(input: Record<string, unknown>, source: Size): Size {
  const byTarget = input['upscale_mode'] === 'target';
  const target = Number.parseInt(String(input['target_resolution']), 10);
  const shorter = Math.min(source.width, source.height);
  const factor = byTarget ? target / shorter : Number(input['upscale_factor']);
  return { width: Math.round(source.width * factor), height: Math.round(source.height * factor) };
}
