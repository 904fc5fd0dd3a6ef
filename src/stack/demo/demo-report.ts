import Table from 'cli-table3';
import { roundUsd } from '../../domain/round-usd';
import { failedOverSlots } from './demo-checks';
import { namedSlots, type DemoFlow } from './demo-flow';
import { secondsOf, slotRow } from './slot-row';

export interface DemoReport {
  flows: readonly DemoFlow[];
  /** Paths of the contact sheets. */
  contactSheets: readonly string[];
  /** Without the time it took to get a Temporal server. */
  elapsedSeconds: number;
  /** Whether the stack goes on running, and the links with it. */
  kept: boolean;
}

/** What `npm run demo` ends with: a table of all slots, the sheets, a link for every run, cost and time. */
export function demoSummary({ flows, contactSheets, elapsedSeconds, kept }: DemoReport): string {
  const table = new Table({
    head: ['slot', 'provider', 'endpoint', 'attempts', 'seconds', 'cost', 'identity'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, slot } of flows.flatMap(({ runs }) => namedSlots(runs))) {
    const row = slotRow(name, slot, Date.now());
    table.push([row.slot, row.provider, row.endpoint, row.attempt, row.seconds, row.cost, row.identity]);
  }
  const runs = flows.flatMap((flow) => flow.runs);
  const links = runs.map(
    ({ name, generation }) => `  ${name}: ${generation.links.temporalUi ?? 'no Temporal UI'}`,
  );
  const base = flows.find(({ name }) => name === 'base-images')?.runs ?? [];
  return [
    table.toString(),
    '',
    `Went from Modal to Fal when Modal was taken down: ${failedOverSlots(base).join(', ')}`,
    'Contact sheets:',
    ...contactSheets.map((file) => `  ${file}`),
    `Runs in the Temporal UI${kept ? '' : ' (it stops with the demo; --keep leaves it open)'}:`,
    ...links,
    `Total cost $${totalUsd(flows).toFixed(4)}${doubt(flows)}, ${elapsedSeconds.toFixed(1)} s.`,
  ].join('\n');
}

/** The same as data, for `--json`. */
export function demoDocument(report: DemoReport): object {
  const { flows, contactSheets, elapsedSeconds } = report;
  return {
    ok: true,
    elapsedSeconds,
    costUsd: totalUsd(flows),
    atRiskUsd: atRiskUsd(flows),
    contactSheets,
    flows: flows.map((flow) => ({
      flow: flow.name,
      runs: flow.runs.map(({ name, generation }) => ({
        name,
        id: generation.id,
        status: generation.status,
        temporalUi: generation.links.temporalUi ?? null,
        costUsd: generation.costUsd,
        atRiskUsd: generation.atRiskUsd,
        slots: generation.slots.map((slot) => ({ ...slot, seconds: secondsOf(slot, Date.now()) })),
      })),
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
