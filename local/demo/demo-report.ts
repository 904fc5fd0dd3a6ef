import Table from 'cli-table3';
import path from 'node:path';
import { roundUsd } from '../../src/domain/round-usd';
import { failedOverSlots } from './demo-checks';
import { namedSlots, type DemoFlow } from './demo-flow';
import { secondsOf, slotRow } from './slot-row';
import type { WrittenPictures } from './write-pictures';

export interface DemoReport extends WrittenPictures {
  flows: readonly DemoFlow[];
  /** Without the time it took to get a Temporal server. */
  elapsedSeconds: number;
  /** Whether the stack goes on running, and the links with it. */
  kept: boolean;
}

/**
 * What `npm run demo` ends with: a table of all slots, the files, a link for every run, cost and time.
 *
 * @param columns width of the terminal; left out: as wide as it takes.
 */
export function demoSummary(report: DemoReport, columns = Infinity): string {
  const { flows, contactSheets, files, elapsedSeconds, kept } = report;
  const runs = flows.flatMap((flow) => flow.runs);
  const links = runs.map(
    ({ name, generation }) => `  ${name}: ${generation.links.temporalUi ?? 'no Temporal UI'}`,
  );
  const base = flows.find(({ name }) => name === 'base-images')?.runs ?? [];
  return [
    slotTable(flows, columns),
    '',
    `Went from Modal to Fal when Modal was taken down: ${failedOverSlots(base).join(', ')}`,
    `Pictures: ${files.size} files in ${path.dirname([...files.values()][0] ?? '')}`,
    'Contact sheets:',
    ...contactSheets.map((file) => `  ${file}`),
    `Runs in the Temporal UI${kept ? '' : ' (it stops with the demo; --keep leaves it open)'}:`,
    ...links,
    `Total cost $${totalUsd(flows).toFixed(4)}${doubt(flows)}, ${elapsedSeconds.toFixed(1)} s.`,
  ].join('\n');
}

const head = ['slot', 'provider', 'endpoint', 'tries', 'seconds', 'cost', 'identity'] as const;
type Column = (typeof head)[number];
const numbers: readonly Column[] = ['tries', 'seconds', 'cost'];

/** Where it would not fit, the endpoint is left to the contact sheets and the Temporal UI. */
function slotTable(flows: readonly DemoFlow[], columns: number): string {
  const whole = draw(flows, head);
  const isTooWide = (whole.split('\n')[0] ?? '').length > columns;
  return isTooWide
    ? draw(
        flows,
        head.filter((column) => column !== 'endpoint'),
      )
    : whole;
}

function draw(flows: readonly DemoFlow[], shown: readonly Column[]): string {
  const table = new Table({
    head: [...shown],
    colAligns: shown.map((column) => (numbers.includes(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  for (const { name, slot } of flows.flatMap(({ runs }) => namedSlots(runs))) {
    const row = slotRow(name, slot, Date.now());
    table.push(shown.map((column) => (column === 'tries' ? row.attempt : row[column])));
  }
  return table.toString();
}

/** The same as data, for `--json`. */
export function demoDocument(report: DemoReport): object {
  const { flows, contactSheets, files, elapsedSeconds } = report;
  return {
    ok: true,
    elapsedSeconds,
    costUsd: totalUsd(flows),
    atRiskUsd: atRiskUsd(flows),
    contactSheets,
    flows: flows.map((flow) => ({
      flow: flow.name,
      runs: flow.runs.map((run) => {
        const { id, status, links, costUsd, atRiskUsd: riskUsd } = run.generation;
        const slots = namedSlots([run]).map(({ name, slot }) => ({
          ...slot,
          seconds: secondsOf(slot, Date.now()),
          file: files.get(name) ?? null,
        }));
        const temporalUi = links.temporalUi ?? null;
        return { name: run.name, id, status, temporalUi, costUsd, atRiskUsd: riskUsd, slots };
      }),
    })),
  };
}

function totalUsd(flows: readonly DemoFlow[]): number {
  const total = flows
    .flatMap(({ runs }) => runs)
    .reduce((sum, { generation }) => sum + generation.costUsd, 0);
  return roundUsd(total);
}

/** Calls that were cut off: whether the provider billed them is not known. */
function atRiskUsd(flows: readonly DemoFlow[]): number {
  const runs = flows.flatMap((flow) => flow.runs);
  return roundUsd(runs.reduce((sum, { generation }) => sum + generation.atRiskUsd, 0));
}

function doubt(flows: readonly DemoFlow[]): string {
  const usd = atRiskUsd(flows);
  return usd === 0 ? '' : `, plus up to $${usd.toFixed(4)} for calls whose outcome is not known`;
}
