import type { DemoGeneration } from './demo-client';
import type { NamedSlot } from './progress-view';

/** Everything one of the three flows made. */
export interface DemoFlow {
  /** Also the name of its contact sheet. */
  name: 'base-images' | 'profile-pictures' | 'studio';
  runs: DemoRun[];
}

/** One generation with the name it is shown under. */
export interface DemoRun {
  name: string;
  generation: DemoGeneration;
}

/** All slots of some runs; a run of a single picture lends the slot its own name. */
export function namedSlots(runs: readonly DemoRun[]): NamedSlot[] {
  return runs.flatMap(({ name, generation }) =>
    generation.slots.map((slot) => ({
      name: generation.slots.length === 1 ? name : `${name} ${slot.slot}`,
      slot,
    })),
  );
}
