import type { NewFault } from '../../../emulator/faults/faults';
import type { Draw } from '../draw';

type Provider = NewFault['provider'];
export type KillTarget = 'worker' | 'worker-2' | 'api' | 'temporal' | 'postgres';

export type Act =
  | { kind: 'kill'; target: KillTarget }
  /** The second worker is cut off from Temporal, and runs on. */
  | { kind: 'partition'; seconds: number }
  /** `hang`: it takes connections and never answers. */
  | { kind: 'outage' | 'hang'; target: Provider; seconds: number }
  /** A few requests in a row are turned away. */
  | { kind: 'spell'; target: Provider; fault: NewFault };

/** Done when the providers have accepted so many jobs, and a moment after that. */
export interface PlannedAct {
  afterJobs: number;
  delayMs: number;
  act: Act;
}

/** Nothing happens before the first share of the jobs and after the last, so that every act meets work. */
const firstShare = 0.04;
const lastShare = 0.9;

/** The seeded schedule: `kills` kills, and outages and refusals between them. In order of time. */
export function planDisruptions(order: { images: number; kills: number; draw: Draw }): PlannedAct[] {
  const { images, kills, draw } = order;
  const acts = [...killActs(kills, draw), ...partitionActs(kills), ...providerActs(kills, draw)];
  const placed = acts.map((act, index): PlannedAct => {
    const share = firstShare + draw.fraction('when', index) * (lastShare - firstShare);
    return { act, afterJobs: Math.max(1, Math.floor(images * share)), delayMs: delayOf(act, draw, index) };
  });
  return placed.toSorted((a, b) => a.afterJobs - b.afterJobs || a.delayMs - b.delayMs);
}

/** Half of the kills hit a worker; the first five hit one process each. */
const killShares = [
  ['worker', 2],
  ['worker-2', 2],
  ['api', 2],
  ['temporal', 1],
  ['postgres', 1],
] as const;
const eachOnce: readonly KillTarget[] = ['worker', 'api', 'temporal', 'postgres', 'worker-2'];

function killActs(kills: number, draw: Draw): Act[] {
  return Array.from({ length: kills }, (_, index) => {
    const target = eachOnce[index] ?? draw.pick<KillTarget>(killShares, 'target', index);
    return { kind: 'kill', target };
  });
}

/** Longer than the heartbeat timeout of 10 s: Temporal gives the calls of that worker to the other one while they go on. */
const partitionSeconds = 60;

/** One for nine kills, from four on. */
function partitionActs(kills: number): Act[] {
  const count = kills < 4 ? 0 : Math.ceil(kills / 9);
  return Array.from({ length: count }, () => ({ kind: 'partition', seconds: partitionSeconds }));
}

/** One act at a provider for two kills, in turns of one of each kind. */
function providerActs(kills: number, draw: Draw): Act[] {
  const count = Math.ceil(kills / 2);
  const turns = Array.from({ length: Math.ceil(count / menu.length) }, (_, turn) =>
    draw.shuffle(menu, 'menu', turn),
  );
  return turns.flat().slice(0, count);
}

function spell(target: Provider, fault: Pick<NewFault, 'fault' | 'params'>): Act {
  return { kind: 'spell', target, fault: { provider: target, ...fault, times: 8 } };
}

const menu: readonly Act[] = [
  { kind: 'outage', target: 'modal', seconds: 3 },
  { kind: 'outage', target: 'fal', seconds: 3 },
  { kind: 'outage', target: 'comfyui', seconds: 3 },
  { kind: 'hang', target: 'modal', seconds: 5 },
  { kind: 'hang', target: 'fal', seconds: 5 },
  // Longer than any request for a job may take to be answered.
  { kind: 'hang', target: 'modal', seconds: 40 },
  { kind: 'outage', target: 'modal', seconds: 25 },
  { kind: 'outage', target: 'fal', seconds: 25 },
  { kind: 'outage', target: 'comfyui', seconds: 25 },
  spell('modal', { fault: 'http_503' }),
  spell('fal', { fault: 'http_503' }),
  spell('modal', { fault: 'rate_limited', params: { retryAfter: 2 } }),
];

/** Two thirds of the kills come right after an accept, where a handle is on its way: the worst moment. */
function delayOf({ kind }: Act, draw: Draw, index: number): number {
  const isAimed = kind === 'kill' && draw.fraction('aimed', index) < 2 / 3;
  return draw.between(0, isAimed ? 120 : 2_000, 'delay', index);
}
