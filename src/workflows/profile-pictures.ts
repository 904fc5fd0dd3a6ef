import type { GenerationInput, GenerationState } from '../domain/generation';
import { runGeneration } from './generation/run-generation';

/** A profile set of one character, every picture with the face of the chosen base image. */
export async function profilePictures(input: GenerationInput): Promise<GenerationState> {
  return await runGeneration(input);
}
