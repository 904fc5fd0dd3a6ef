import { endStatuses, type Evidence } from '../analysis/evidence';
import { createDraw, type Draw } from '../draw';
import { planDisruptions } from '../work/plan-disruptions';
import { planFaults } from '../work/plan-faults';
import { planWork } from '../work/plan-work';
import type { WorkItem } from '../work/work-item';
import type { ChaosStack } from './chaos-stack';
import { Disruptor } from './disruptor';
import { Follower } from './follow-works';
import { gatherWorks } from './gather-works';
import { readGeneration } from './generation-answer';
import { createPatientClient, type PatientClient } from './http-client';
import { readEntries, toPaidJobs } from './journal';
import { chaosCharacter, prepareCharacter, uploadSources } from './prepare-subjects';
import { startWorks, type StartedWork } from './start-works';
import { healProviders, pause, pictureWindow, settleDoubtsMs, settleJobs, settleMs, until } from './steps';

export interface RunOptions {
  stack: ChaosStack;
  images: number;
  /** 0: an ideal run, without any fault. */
  kills: number;
  seed: number;
  policy: Evidence['policy'];
  /** The Modal apps know nothing of named jobs. */
  plainModal: boolean;
  /** Two consonants; runs on one stack need different ones. */
  label: string;
  /** Jobs that have not ended after so many minutes are stuck. */
  minutes: number;
  report: (line: string) => void;
}

export interface RunResult {
  evidence: Evidence;
  /** First request to the end of the last job. */
  seconds: number;
  /** Requests the client had to send again. */
  repeats: number;
}

/** Share of the requests that are sent twice although they were answered. */
const repeatedShare = 0.1;
/** One whole run: works, faults and kills, then healing, waiting and counting. */
export async function runPolicy(options: RunOptions): Promise<RunResult> {
  const { stack, policy, plainModal } = options;
  const parts = await prepareRun(options);
  const { client, items, follower, disruptor } = parts;
  const startedAt = Date.now();
  const started = await carryOut(options, parts);
  const seconds = (follower.lastEndAt - startedAt) / 1000;
  await settleDoubts(client, started);
  await settleJobs(stack);
  const jobs = toPaidJobs(await readEntries(stack.control), items);
  const works = await gatherWorks(client, items, started);
  const { decisions } = follower;
  const evidence = { policy, named: !plainModal, decisions, works, jobs, disruptions: disruptor.diary };
  return { evidence, seconds, repeats: client.repeats };
}

/** Until the price of every job is known, also of those that slots left behind; at most {@link settleDoubtsMs}. */
async function settleDoubts(client: PatientClient, started: readonly StartedWork[]): Promise<void> {
  const tooLong = AbortSignal.timeout(settleDoubtsMs);
  for (const { generationId, item } of started) {
    while (!tooLong.aborted) {
      const generation = await readGeneration(client, { id: generationId, caller: item.caller });
      if (generation === undefined || !endStatuses.has(generation.status) || generation.unsettledJobs === 0)
        break;
      await pause(lookMs, tooLong);
    }
  }
}

const lookMs = 1_000;

interface RunParts {
  client: PatientClient;
  items: WorkItem[];
  draw: Draw;
  follower: Follower;
  disruptor: Disruptor;
  /** Aborted when the run is over. */
  over: AbortController;
}

async function prepareRun(options: RunOptions): Promise<RunParts> {
  const { stack, images, kills, seed, policy, label, report, minutes } = options;
  const draw = createDraw(seed);
  const over = new AbortController();
  const client = createPatientClient(stack.api, Date.now() + minutes * 60_000 + settleMs + settleDoubtsMs);
  const { face } = await prepareCharacter(client);
  const order = { images, label, unknownOutcome: policy, draw, characterId: chaosCharacter, face };
  const items = await uploadSources(client, planWork(order));
  // The way of the provider's own figure is tried, too.
  await stack.control('PUT', '/control/settings', { costHeaders: true });
  await stack.control('DELETE', '/control/journal');
  const disruptor = new Disruptor({
    stack,
    schedule: kills === 0 ? [] : planDisruptions({ images, kills, draw }),
    faults: kills === 0 ? [] : planFaults(items, draw),
    report,
    signal: over.signal,
  });
  await disruptor.prepare();
  return { client, items, draw, follower: new Follower(client), disruptor, over };
}

/** Until every job has ended, or time is up. Leaves the providers well. */
async function carryOut(
  { stack, minutes, images }: RunOptions,
  { client, items, draw, follower, disruptor, over }: RunParts,
): Promise<StartedWork[]> {
  const started: StartedWork[] = [];
  const room = pictureWindow(images);
  const { signal } = over;
  const following = follower.run(signal);
  const disrupting = disruptor.run();
  const starting = startWorks({
    client,
    items,
    signal,
    isRepeated: (index) => draw.fraction('repeated', index) < repeatedShare,
    onStarted: (work) => {
      started.push(work);
      follower.add(work);
    },
    roomFor: (wanted) =>
      until(() => follower.openImages === 0 || follower.openImages + wanted <= room, signal),
  });
  const ending = Promise.all([starting, disrupting])
    .then(() => disruptor.settle())
    .then(() => healProviders(stack))
    .then(() => until(() => follower.openImages === 0, signal));
  const cap = pause(minutes * 60_000, signal);
  try {
    // Following ends by itself only when it fails.
    await Promise.race([ending, following, cap]);
  } finally {
    over.abort();
    await Promise.allSettled([following, disrupting, starting, ending]);
    await disruptor.settle();
    await healProviders(stack);
  }
  return started;
}
