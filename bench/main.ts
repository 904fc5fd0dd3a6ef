import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { startBenchStack, type BenchStack } from './bench-stack';
import type { Figure } from './figure';
import { measureFailover } from './scenarios/failover';
import { measureSixSlotFlow } from './scenarios/six-slot-flow';
import { measureStarts } from './scenarios/starts';
import { measureWorkerMemory } from './scenarios/worker-memory';

const scenarios: Record<string, (stack: BenchStack) => Promise<Figure[]>> = {
  flow: measureSixSlotFlow,
  failover: measureFailover,
  starts: measureStarts,
  memory: measureWorkerMemory,
};

/** `npm run bench`: measures the whole stack on this machine and prints a table. Takes about three minutes. */
async function main(): Promise<void> {
  const { json, only } = new Command('npm run bench --')
    .description(
      'Measures the whole stack with emulated providers on this machine. Takes about three minutes.',
    )
    .option('--json', 'print one JSON document instead of a table')
    .addOption(new Option('--only <names...>', 'run only these').choices(Object.keys(scenarios)))
    .parse()
    .opts<{ json?: boolean; only?: string[] }>();
  const stack = await startBenchStack();
  const figures: Figure[] = [];
  try {
    for (const [name, measure] of Object.entries(scenarios)) {
      if (only !== undefined && !only.includes(name)) continue;
      process.stderr.write(`measuring: ${name}\n`);
      figures.push(...(await measure(stack)));
    }
  } finally {
    await stack.stop();
  }
  process.stdout.write(
    json === true ? `${JSON.stringify({ figures }, undefined, 2)}\n` : `${table(figures)}\n`,
  );
}

function table(figures: readonly Figure[]): string {
  const rows = new Table({ head: ['figure', 'measured', 'target', 'how'], style: { head: [], border: [] } });
  for (const { name, value, unit, target, note } of figures) {
    const bound = target === undefined ? '' : `${value <= target ? 'met' : 'MISSED'}: ≤ ${target} ${unit}`;
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
