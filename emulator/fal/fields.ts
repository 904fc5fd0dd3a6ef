import { z } from 'zod';

/** Preset sizes in pixels. */
export const presetSizes = {
  square_hd: { width: 1024, height: 1024 },
  square: { width: 512, height: 512 },
  portrait_4_3: { width: 768, height: 1024 },
  portrait_16_9: { width: 576, height: 1024 },
  landscape_4_3: { width: 1024, height: 768 },
  landscape_16_9: { width: 1024, height: 576 },
} as const;
export const presetNames = Object.keys(presetSizes) as (keyof typeof presetSizes)[];

/** `ImageSize` with each side in `minimum`..`maximum`. */
export function imageSize(minimum = 1, maximum = 14_142): z.ZodType<{ width: number; height: number }> {
  const side = z.int().min(minimum).max(maximum).default(512);
  return z.object({ width: side, height: side });
}

/** A preset name (or one of `extra`) or an explicit size. */
export function sizeField(options: { extra?: readonly string[]; size?: z.ZodType } = {}): z.ZodType {
  return z.union([z.enum([...presetNames, ...(options.extra ?? [])]), options.size ?? imageSize()]);
}

/** An integer from `minimum` to `maximum`. */
export function integer(minimum: number, maximum: number, fallback: number): z.ZodType {
  return z.int().min(minimum).max(maximum).default(fallback);
}

export function number(minimum: number, maximum: number, fallback: number): z.ZodType {
  return z.number().min(minimum).max(maximum).default(fallback);
}

export function choice(values: readonly [string, ...string[]], fallback: string): z.ZodType {
  return z.enum(values).default(fallback);
}

export const flag = (fallback: boolean): z.ZodType => z.boolean().default(fallback);
export const text = (fallback: string): z.ZodType => z.string().default(fallback);
export const required = z.string();
export const seed = z.int().min(0).max(4_294_967_295).nullish();
export const imageCount = integer(1, 4, 1);
export const acceleration = (fallback: string): z.ZodType => choice(['none', 'regular', 'high'], fallback);

/** The optional inputs most endpoints share. */
export const standard = { seed, sync_mode: flag(false), enable_safety_checker: flag(true) };
