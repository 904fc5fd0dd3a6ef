import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { startBenchStack, type BenchStack } from './bench-stack';
import { projectDirectory } from '../../local/stack/project-directory';
import type { Figure } from './figure';
import { measureBesideBare } from './scenarios/beside-bare';
import { measureCrowd } from './scenarios/crowd';
import { measureFailover } from './scenarios/failover';
import { measureSixSlotFlow } from './scenarios/six-slot-flow';
import { measureStarts } from './scenarios/starts';
import { measureWorkerMemory } from './scenarios/worker-memory';
import { measureWorkerRestart } from './scenarios/worker-restart';

const scenarios: Record<string, (stack: BenchStack) => Promise<Figure[]>> = {
  bare: measureBesideBare,
  flow: measureSixSlotFlow,
  failover: measureFailover,
  starts: measureStarts,
  restart: measureWorkerRestart,
  memory: measureWorkerMemory,
  crowd: measureCrowd,
};
/** Minutes of work; only when it is named. */
const onDemand: readonly string[] = ['crowd'];

/** `npm run bench`: measures the whole stack on this machine and prints a table. Takes some twenty minutes. */
async function main(): Promise<void> {
  const { json, only } = new Command('npm run bench --')
    .description(
      'Measures the whole stack with emulated providers on this machine. Takes some twenty minutes; one scenario two to twelve.',
    )
    .option('--json', 'print one JSON document instead of a table')
    .addOption(
      new Option(
        '--only <names...>',
        'run only these; crowd (some five minutes) runs only when named',
      ).choices(Object.keys(scenarios)),
    )
    .parse()
    .opts<{ json?: boolean; only?: string[] }>();
  const stack = await startBenchStack();
  const figures: Figure[] = [];
  try {
    for (const [name, measure] of Object.entries(scenarios)) {
      if (!(only?.includes(name) ?? !onDemand.includes(name))) continue;
      process.stderr.write(`measuring: ${name}\n`);
      figures.push(...(await measure(stack)));
    }
  } finally {
    await stack.stop();
  }
  const circumstances = measuredUnder();
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ ...circumstances, figures }, undefined, 2)}\n`
      : `${circumstances.date}, commit ${circumstances.commit}, ${circumstances.machine}\n${table(figures)}\n`,
  );
}

/** A figure is worth little without what it was measured on. */
function measuredUnder(): { date: string; commit: string; machine: string } {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOfCheckout(),
    machine: `${availableParallelism()} cores, Node ${process.versions.node}`,
  };
}

/** `-dirty`: something was changed since. */
function commitOfCheckout(): string {
  try {
    const options = { cwd: projectDirectory, encoding: 'utf8' } as const;
    return execFileSync('git', ['describe', '--always', '--dirty', '--exclude=*'], options).trim();
  } catch {
    return 'unknown';
  }
}

function table(figures: readonly Figure[]): string {
  const rows = new Table({ head: ['figure', 'measured', 'target', 'how'], style: { head: [], border: [] } });
  for (const { name, value, unit, target, atLeast, note } of figures) {
    const bound =
      target !== undefined
        ? `${value <= target ? 'met' : 'MISSED'}: ≤ ${target} ${unit}`
        : atLeast !== undefined
          ? `${value >= atLeast ? 'met' : 'MISSED'}: ≥ ${atLeast} ${unit}`
          : '';
    rows.push([name, `${value.toFixed(2)} ${unit}`, bound, note]);
  }
  return rows.toString();
}

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
