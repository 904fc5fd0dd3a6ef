import type { GenerationInput, GenerationState } from '../domain/generation';
import { runGeneration } from './generation/run-generation';

/** Studio content: create, vary, edit, upscale or animate, with a LoRA or a reference face kept. */
export async function studioGeneration(input: GenerationInput): Promise<GenerationState> {
  return await runGeneration(input);
}
