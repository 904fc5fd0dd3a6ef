import type { Disruption } from './evidence';

/** How often which process was killed. */
export function countKills(disruptions: readonly Disruption[]): Record<string, number> {
  const kills: Record<string, number> = {};
  for (const { kind, target } of disruptions) {
    if (kind === 'kill') kills[target] = (kills[target] ?? 0) + 1;
  }
  return kills;
}
