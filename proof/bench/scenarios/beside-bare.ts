import { availableParallelism } from 'node:os';
import { benchCharacter, type BenchStack } from '../bench-stack';
import { startBareWorker, type BareWorker } from '../bare/start-bare-worker';
import { cpuSeconds } from '../cpu-seconds';
import type { Figure } from '../figure';
import { median } from '../median';

/** Ours and the bare one take turns this often. */
const turns = 2;
const pictures = 200;
const sets = 100;
const slotsPerSet = 6;
const setSeconds = 6;
const callsAtATime = 600;

/** What one side did in one turn. */
interface Turn {
  /** Of each start, ms. */
  accepts: number[];
  /** From the first start to the last result. */
  seconds: number;
  /** Of the server, the worker and what else belongs to this side, without the emulator. */
  cpu: Record<string, number>;
  emulatorCpu: number;
}

/** A side of the comparison: starts one job by number, and waits for its end. */
interface Side {
  start(number: number): Promise<string>;
  result(id: string): Promise<unknown>;
  pids: Record<string, number>;
}

/** Our work beside that of a bare workflow of the same shape, on the same server, in turns. */
export async function measureBesideBare(stack: BenchStack): Promise<Figure[]> {
  const bare = await startBareWorker(stack, callsAtATime);
  try {
    await stack.setLatency(0);
    const sides = { ours: ourPictures(stack), bare: bareSets(stack, bare, { slots: 1, seconds: 0 }) };
    const atTen = await takeTurns(stack, sides, { jobs: pictures, callers: 10 });
    const atOne = await takeTurns(stack, sides, { jobs: 40, callers: 1 });
    const at64 = await takeTurns(stack, sides, { jobs: 320, callers: 64 });
    await stack.setLatency(setSeconds);
    const crowd = await takeTurns(
      stack,
      { ours: ourSets(stack), bare: bareSets(stack, bare, { slots: slotsPerSet, seconds: setSeconds }) },
      { jobs: sets, callers: sets },
    );
    return [...pictureFigures(atTen), ...acceptFigures({ atOne, atTen, at64 }), ...crowdFigures(crowd)];
  } finally {
    await bare.stop();
  }
}

interface Turns {
  ours: Turn[];
  bare: Turn[];
}

async function takeTurns(
  stack: BenchStack,
  sides: { ours: Side; bare: Side },
  load: { jobs: number; callers: number },
): Promise<Turns> {
  const taken: Turns = { ours: [], bare: [] };
  // The first of each is warm-up: code is loaded, connections are made.
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const name of ['bare', 'ours'] as const) {
      const result = await takeTurn(stack, sides[name], load);
      if (turn > 0) taken[name].push(result);
    }
  }
  return taken;
}

async function takeTurn(
  stack: BenchStack,
  side: Side,
  { jobs, callers }: { jobs: number; callers: number },
): Promise<Turn> {
  const emulator = stack.description.pids['emulator'] ?? 0;
  const { pids } = side;
  const before = { cpu: cpuOf(pids), emulator: cpuSeconds(emulator), at: performance.now() };
  const accepts: number[] = [];
  const ids: string[] = [];
  const call = async (caller: number): Promise<void> => {
    for (let number = caller; number < jobs; number += callers) {
      const from = performance.now();
      ids.push(await side.start(number));
      accepts.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  await Promise.all(ids.map((id) => side.result(id)));
  const after = cpuOf(pids);
  return {
    accepts,
    seconds: (performance.now() - before.at) / 1000,
    cpu: Object.fromEntries(
      Object.entries(after).map(([name, seconds]) => [name, seconds - (before.cpu[name] ?? 0)]),
    ),
    emulatorCpu: cpuSeconds(emulator) - before.emulator,
  };
}

function cpuOf(pids: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

function ourSide(stack: BenchStack, bodyOf: (seed: number) => object): Side {
  const { temporal = 0, worker = 0, api = 0, postgres = 0 } = stack.description.pids;
  let seed = 0;
  return {
    start: () => stack.api.start('studio', { characterId: benchCharacter, ...bodyOf((seed += 100)) }),
    result: (id) => stack.resultOf('studio', id),
    pids: { temporal, worker, api, postgres },
  };
}

function ourPictures(stack: BenchStack): Side {
  return ourSide(stack, (seed) => ({ prompt: 'a woman of 30', seed, quality: 'fast' }));
}

function ourSets(stack: BenchStack): Side {
  return ourSide(stack, (seed) => ({ prompt: 'a woman of 30', seed, quality: 'fast', count: slotsPerSet }));
}

function bareSets(
  stack: BenchStack,
  bare: BareWorker,
  { slots, seconds }: { slots: number; seconds: number },
): Side {
  const { temporal = 0 } = stack.description.pids;
  let count = 0;
  return {
    async start() {
      count += 1;
      const id = `bench-bare/${String(slots)}/${String(seconds)}/${String(count)}-${String(Date.now())}`;
      await bare.start(id, slots, seconds);
      return id;
    },
    result: (id) => bare.result(id),
    pids: { temporal, worker: bare.pid },
  };
}

function pictureFigures({ ours, bare }: Turns): Figure[] {
  const msEach = (turn: Turn): number => (sum(Object.values(turn.cpu)) * 1000) / pictures;
  const perSecond = (turn: Turn): number => pictures / turn.seconds;
  const [ourMs, bareMs] = [median(ours.map(msEach)), median(bare.map(msEach))];
  const [ourRate, bareRate] = [median(ours.map(perSecond)), median(bare.map(perSecond))];
  const load = `${String(pictures)} single pictures, 10 callers, providers at 0 s`;
  return [
    { name: 'CPU a picture / bare', value: ourMs / bareMs, unit: '×', target: 2, note: load },
    { name: 'CPU a picture', value: ourMs, unit: 'ms', note: partsOf(ours, pictures) },
    { name: 'CPU a bare workflow', value: bareMs, unit: 'ms', note: partsOf(bare, pictures) },
    { name: 'finished a second / bare', value: ourRate / bareRate, unit: '×', atLeast: 0.6, note: load },
    { name: 'finished a second', value: ourRate, unit: '/s', note: `bare: ${bareRate.toFixed(1)}` },
  ];
}

function acceptFigures({ atOne, atTen, at64 }: Record<'atOne' | 'atTen' | 'at64', Turns>): Figure[] {
  const p = (turns: Turn[], share: number): number =>
    percentile(
      turns.flatMap(({ accepts }) => accepts),
      share,
    );
  const compared = (name: string, { ours, bare }: Turns, target: number): Figure => ({
    name: `accept p50 / bare start, ${name}`,
    value: p(ours, 0.5) / p(bare, 0.5),
    unit: '×',
    target,
    note: `${p(ours, 0.5).toFixed(0)} ms, bare ${p(bare, 0.5).toFixed(0)} ms`,
  });
  const [p50, p99] = [p(at64.ours, 0.5), p(at64.ours, 0.99)];
  return [
    compared('one caller', atOne, 1.5),
    compared('ten callers', atTen, 2),
    {
      name: 'accept p99 / p50, 64 callers',
      value: p99 / p50,
      unit: '×',
      target: 5,
      note: `${p99.toFixed(0)} ms and ${p50.toFixed(0)} ms`,
    },
  ];
}

function crowdFigures({ ours, bare }: Turns): Figure[] {
  // It stands for providers, which draw elsewhere.
  const withoutDrawing = ({ seconds, emulatorCpu }: Turn): number =>
    seconds - emulatorCpu / availableParallelism();
  const [our, bareSeconds] = [median(ours.map(withoutDrawing)), median(bare.map(({ seconds }) => seconds))];
  const drawing = median(ours.map(({ emulatorCpu }) => emulatorCpu / availableParallelism()));
  return [
    {
      name: `${String(sets)} six-slot sets at once / bare`,
      value: our / bareSeconds,
      unit: '×',
      target: 1.3,
      note: `${our.toFixed(1)} s without ${drawing.toFixed(1)} s of drawing, bare ${bareSeconds.toFixed(1)} s`,
    },
  ];
}

function partsOf(turns: readonly Turn[], jobs: number): string {
  const names = Object.keys(turns[0]?.cpu ?? {});
  const part = (name: string): number => median(turns.map(({ cpu }) => ((cpu[name] ?? 0) * 1000) / jobs));
  return names.map((name) => `${name} ${part(name).toFixed(0)}`).join(', ');
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
