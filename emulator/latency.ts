import { models } from '../src/registry';
import { fraction } from './pictures/fingerprint';
import type { SettingsHolder } from './settings';

/** Seconds of an endpoint nobody has a figure for. */
const unknownSeconds = 20;
/** Jobs of one endpoint differ by up to this share, as on real machines. */
const jitter = 0.05;

const typicalByEndpoint: ReadonlyMap<string, number> = new Map(
  models.map(({ backendId, typicalSeconds: seconds }) => [backendId, seconds]),
);

/** Seconds a warm call of this endpoint typically takes: the registry's figure, else the emulator's own. */
export function typicalSeconds(endpoint: string, own?: number): number {
  return typicalByEndpoint.get(endpoint) ?? own ?? unknownSeconds;
}

/** How long one job takes (before scaling); the same job always takes the same time under one seed. */
export function jobSeconds(
  settings: SettingsHolder,
  seed: number,
  job: { endpoint: string; ownSeconds?: number | undefined; fingerprint: string },
): number {
  const { fixedLatencySeconds } = settings.current;
  if (fixedLatencySeconds !== null) return fixedLatencySeconds;
  const spread = 1 + (fraction(seed, job.fingerprint, 'latency') - 0.5) * 2 * jitter;
  return typicalSeconds(job.endpoint, job.ownSeconds) * spread;
}
