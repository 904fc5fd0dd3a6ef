import type { GenerationInput, GenerationState } from '../domain/generation';
import { runGeneration } from './generation/run-generation';

export { providerWatch } from './provider-watch/provider-watch';

/** Six first pictures of a new character; always SFW, on two providers and three models. */
export async function baseImages(input: GenerationInput): Promise<GenerationState> {
  return await runGeneration(input);
}

/** A profile set of one character, every picture with the face of the chosen base image. */
export async function profilePictures(input: GenerationInput): Promise<GenerationState> {
  return await runGeneration(input);
}

/** Studio content: create, vary, edit, upscale or animate, with a LoRA or a reference face kept. */
export async function studioGeneration(input: GenerationInput): Promise<GenerationState> {
  return await runGeneration(input);
}
