import { loadSettings } from '../../src/config/env';
import { countKills } from '../chaos/analysis/count-kills';
import { matchJobs } from '../chaos/analysis/match-jobs';
import { createDraw, type Draw } from '../chaos/draw';
import { Disruptor } from '../chaos/run/disruptor';
import { createPatientClient } from '../chaos/run/http-client';
import { readEntries, toPaidJobs } from '../chaos/run/journal';
import { healProviders, pause, settleJobs, settleMs } from '../chaos/run/steps';
import { planDisruptions } from '../chaos/work/plan-disruptions';
import { planFaults } from '../chaos/work/plan-faults';
import { planWork } from '../chaos/work/plan-work';
import { countPeer, type PeerCounts } from './count-peer';
import { PeerCaller } from './peer-client';
import { peerNames, startPeerStack, type PeerName, type PeerStack } from './peer-stack';
import { planJobs, type PeerWork } from './plan-jobs';

export interface PeerOptions {
  images: number;
  kills: number;
  seed: number;
  timeScale: number;
  minutes: number;
  report: (line: string) => void;
}

export interface PeerReport extends PeerCounts {
  peer: PeerName;
  seconds: number;
  /** By the process of this service that the one killed stands for. */
  kills: Record<string, number>;
}

/** The same requests, faults and kills against each peer. */
export async function runPeers(options: PeerOptions): Promise<PeerReport[]> {
  const reports: PeerReport[] = [];
  for (const peer of peerNames) {
    options.report(`${peer}: ${options.images} images, ${options.kills} kills, seed ${options.seed}`);
    const stack = await startPeerStack(peer, options);
    try {
      reports.push(await runPeer(peer, stack, options));
    } finally {
      await stack.stop();
    }
  }
  return reports;
}

async function runPeer(peer: PeerName, stack: PeerStack, options: PeerOptions): Promise<PeerReport> {
  const { images, kills, seed, minutes, report } = options;
  const draw = createDraw(seed);
  const works = await planWorks(images, draw, stack.modal);
  const items = works.map(({ item }) => item);
  const over = new AbortController();
  const schedule = planDisruptions({ images, kills, draw });
  const faults = planFaults(items, draw);
  const disruptor = new Disruptor({ stack, schedule, faults, report, signal: over.signal });
  await disruptor.prepare();
  const caller = new PeerCaller(
    createPatientClient(stack.api, Date.now() + minutes * 60_000 + settleMs),
    works,
  );
  const startedAt = Date.now();
  await carryOut({ stack, caller, disruptor, over, minutes });
  const seconds = (Date.now() - startedAt) / 1000;
  await settleJobs(stack);
  const { slots } = matchJobs(caller.outcomes(), toPaidJobs(await readEntries(stack.control), items));
  return { peer, ...countPeer(slots), seconds, kills: countKills(disruptor.diary) };
}

async function planWorks(images: number, draw: Draw, modal: string): Promise<PeerWork[]> {
  const { routing } = loadSettings({ PROVIDERS: 'emulated', NSFW_ENABLED: 'true' });
  const subject = { characterId: 'demo', face: '/v1/assets/face' };
  const items = planWork({ images, label: 'pr', unknownOutcome: 'resubmit', draw, ...subject });
  return await Promise.all(items.map((item) => planJobs(item, routing, modal)));
}

interface PeerRun {
  stack: PeerStack;
  caller: PeerCaller;
  disruptor: Disruptor;
  over: AbortController;
  minutes: number;
}

async function carryOut({ stack, caller, disruptor, over, minutes }: PeerRun): Promise<void> {
  const { signal } = over;
  const following = caller.follow(signal);
  const disrupting = disruptor.run();
  const ending = caller
    .startAll(signal)
    // A design that loses its jobs has none left for the rest of the schedule.
    .then(() => Promise.race([disrupting, caller.untilEnded(signal)]))
    .then(() => healProviders(stack))
    .then(() => caller.untilEnded(signal));
  try {
    await Promise.race([ending, following, pause(minutes * 60_000, signal)]);
  } finally {
    over.abort();
    await Promise.allSettled([following, disrupting, ending]);
    await disruptor.settle();
    await healProviders(stack);
  }
}
