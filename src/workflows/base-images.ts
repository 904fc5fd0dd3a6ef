import type { GenerationInput, GenerationState } from '../domain/generation';
import { runGeneration } from './generation/run-generation';

/** Six first pictures of a new character; always SFW, on two providers and three models. */
export async function baseImages(input: GenerationInput): Promise<GenerationState> {
  return await runGeneration(input);
}
