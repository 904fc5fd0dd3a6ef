import type { Flow } from './requests';

/** Id of the one workflow behind a generation, such as `studio/ava/0b5c…`: readable in the Temporal UI, never reused. */
export function workflowIdOf(generation: { flow: Flow; characterId: string; generationId: string }): string {
  return `${generation.flow}/${generation.characterId}/${generation.generationId}`;
}
