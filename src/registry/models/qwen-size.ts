import { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import type { SlotSettings } from '../types';
import { wireBody } from './wire-body';
import { sideField } from './wire-fields';

/** Qwen's own sizes in pixels; any other name is ignored by the server without a word. */
const nativeSizes = {
  '1:1': { width: 1328, height: 1328 },
  '16:9': { width: 1664, height: 928 },
  '9:16': { width: 928, height: 1664 },
  '4:3': { width: 1472, height: 1104 },
  '3:4': { width: 1104, height: 1472 },
  '3:2': { width: 1584, height: 1056 },
  '2:3': { width: 1056, height: 1584 },
} as const;

type NativeRatio = keyof typeof nativeSizes;
const nativeRatios: readonly [NativeRatio, ...NativeRatio[]] = [
  '1:1',
  '16:9',
  '9:16',
  '4:3',
  '3:4',
  '3:2',
  '2:3',
];

export const qwenSizeFields = {
  aspect_ratio: z.enum(nativeRatios).optional(),
  width: sideField(1328),
  height: sideField(1328),
};

/**
 * Size fields of a Qwen body: a ratio that was asked for by name gets Qwen's own size for it, pixels stay pixels.
 * The pixels stand beside `aspect_ratio` although the server prefers the latter, so that a body says its true size.
 */
export function qwenSize({ aspectRatio, width, height }: SlotSettings): JsonObject {
  const native = nativeRatios.find((ratio) => ratio === aspectRatio);
  if (native === undefined) return wireBody({ width, height });
  return { aspect_ratio: native, ...nativeSizes[native] };
}
