import { z } from 'zod';

/**
 * Building blocks of the wire schemas. The handlers themselves check no ranges: a value outside these limits would
 * fail only after it was paid for, so the limits are ours unless a provider's own schema names one.
 */

/** Our request takes 4000 characters; slots add pose and scene to it. */
export const promptField = z.string().min(1).max(8000);
export const negativePromptField = z.string().max(4000);
/** Always explicit: several handlers fall back to 42, so two calls without a seed give the same picture. */
export const seedField = z.int().min(0).max(4_294_967_295);

/** Pixels, 256-2048 in steps of 16 (the Z-Image sampler needs that). */
export function sideField(defaultPixels: number) {
  return z.int().min(256).max(2048).multipleOf(16).default(defaultPixels);
}

/** Sampling steps, 1-60 unless the endpoint takes fewer. */
export function stepsField(defaultSteps: number, maximum = 60) {
  return z.int().min(1).max(maximum).default(defaultSteps);
}

/** Classifier-free guidance, 0-20 unless the endpoint takes a narrower range. */
export function guidanceField(defaultGuidance: number, { minimum = 0, maximum = 20 } = {}) {
  return z.number().min(minimum).max(maximum).default(defaultGuidance);
}

/** Weight of a LoRA or a reference face, 0-2. */
export function weightField(defaultWeight: number) {
  return z.number().min(0).max(2).default(defaultWeight);
}

/** A share of 0-1, such as how far a picture may move from its source. */
export function fractionField(defaultFraction: number) {
  return z.number().min(0).max(1).default(defaultFraction);
}
