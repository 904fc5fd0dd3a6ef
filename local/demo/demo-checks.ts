import type { DemoFlow, DemoRun } from './demo-flow';
import { namedSlots } from './demo-flow';
import { DemoError } from './demo-error';

/** Slots of the base images that Modal began and Fal finished. */
export function failedOverSlots(runs: readonly DemoRun[]): string[] {
  return namedSlots(runs)
    .filter(({ slot }) => slot.provider === 'fal')
    .filter(({ slot }) =>
      slot.attempts.some(({ provider, outcome }) => provider === 'modal' && outcome === 'failed'),
    )
    .map(({ name }) => name);
}

/** @throws DemoError naming the first slot that has no picture. */
export function requireCompleted(runs: readonly DemoRun[]): void {
  for (const { name, slot } of namedSlots(runs)) {
    if (slot.status === 'completed' && slot.assetUrl !== null) continue;
    throw new DemoError(`${name} ended as ${slot.status}: ${slot.error?.message ?? 'no reason was given'}`);
  }
  const odd = runs.find(
    ({ generation }) => generation.status !== 'completed' || generation.slots.length === 0,
  );
  if (odd !== undefined) throw new DemoError(`${odd.name} ended as ${odd.generation.status}`);
}

/** @throws DemoError when no slot of the base images went from Modal to Fal. */
export function requireFailover(runs: readonly DemoRun[]): void {
  if (failedOverSlots(runs).length === 0) {
    throw new DemoError('Modal was taken down, but no base image went from Modal to Fal');
  }
}

/** @throws DemoError naming a profile picture that was made without the reference face. */
export function requireReference(flow: DemoFlow): void {
  const stranger = namedSlots(flow.runs).find(({ slot }) => slot.identity !== 'reference');
  if (stranger !== undefined) {
    throw new DemoError(
      `${stranger.name} was made with identity "${stranger.slot.identity}" instead of the reference`,
    );
  }
}
