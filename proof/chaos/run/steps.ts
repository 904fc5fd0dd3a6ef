import { providerNames } from '../../../src/domain/taxonomy';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosStack } from './chaos-stack';
import { readEntries } from './journal';

/** Pictures that may be under way at once: small runs are stretched, so that there is work at every kill. */
export function pictureWindow(images: number): number {
  return Math.min(60, Math.max(12, Math.ceil(images / 4)));
}
/** Longest wait for jobs nobody waits for to end at their provider. */
export const settleMs = 60_000;
const lookMs = 200;

/** Longest wait for doubts to be settled: Fal is asked until the longest time a request may take has gone by, ever more rarely. */
export const settleDoubtsMs = 300_000;

/** Ends every outage and removes every fault. */
export async function healProviders({ control }: ChaosStack): Promise<void> {
  await control('DELETE', '/control/faults');
  for (const provider of providerNames) {
    await control('POST', `/control/providers/${provider}`, { state: 'up' });
  }
}

/** Jobs nobody waits for run on at the provider and are charged when they end. */
export async function settleJobs({ control }: ChaosStack): Promise<void> {
  const giveUpAt = Date.now() + settleMs;
  for (;;) {
    const entries = await readEntries(control);
    if (entries.every(({ outcome }) => outcome !== 'running') || Date.now() > giveUpAt) return;
    await delay(lookMs);
  }
}

/** Resolves when it is so, or at the abort. */
export async function until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  while (!isSo() && !signal.aborted) await pause(lookMs, signal);
}

/** Ends early, without an error, when aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
