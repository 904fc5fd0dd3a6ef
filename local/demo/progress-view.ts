import type { DemoSlot } from './demo-client';
import { slotRow, type SlotRow } from './slot-row';

/** A slot with the name it is shown under, such as `profile-pictures 3`. */
export interface NamedSlot {
  name: string;
  slot: DemoSlot;
}

export interface ProgressView {
  heading(text: string): void;
  update(slots: readonly NamedSlot[]): void;
  /** Leaves what is shown where it is; the next update starts below it. */
  settle(): void;
}

/** One line for each thing that happens: for logs and pipes. */
export function createLineView(write: (text: string) => void): ProgressView {
  const shown = new Map<string, string>();
  return {
    heading: (text) => write(`\n${text}\n`),
    update(slots) {
      for (const { name, slot } of slots) {
        for (const line of eventLines(name, slot, shown.get(name) ?? '')) write(`  ${line}\n`);
        shown.set(name, stateOf(slot));
      }
    },
    settle: () => undefined,
  };
}

function stateOf({ status, provider, endpoint, attempts }: DemoSlot): string {
  return [status, provider, endpoint, attempts.length].join(' ');
}

function eventLines(name: string, slot: DemoSlot, before: string): string[] {
  if (stateOf(slot) === before) return [];
  const attemptsBefore = Number(before.split(' ').at(-1) ?? 0);
  const failures = slot.attempts
    .slice(attemptsBefore)
    .filter(({ outcome }) => outcome === 'failed')
    .map(
      ({ provider, endpoint, message }) =>
        `${name}: ${provider} ${endpoint} failed: ${message ?? 'no reason'}`,
    );
  const { status, provider, endpoint, attempt, seconds, cost } = slotRow(name, slot, Date.now());
  return [
    ...failures,
    `${name}: ${status}  ${provider} ${endpoint}  attempt ${attempt}  ${seconds} s  ${cost}`,
  ];
}

/** Shows the slots as a table that changes in place. `draw` replaces what it drew before; `keep` leaves it. */
export function createTableView(
  screen: { draw(text: string): void; keep(): void },
  write: (text: string) => void,
): ProgressView {
  return {
    heading: (text) => write(`\n${text}\n`),
    update: (slots) => screen.draw(tableOf(slots.map(({ name, slot }) => slotRow(name, slot, Date.now())))),
    settle: () => screen.keep(),
  };
}

const columns = ['slot', 'status', 'provider', 'endpoint', 'attempt', 'seconds', 'cost'] as const;

function tableOf(rows: readonly SlotRow[]): string {
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)));
  const lineOf = (cell: (column: (typeof columns)[number]) => string): string =>
    columns.map((column, index) => cell(column).padEnd(widths[index] ?? 0)).join('  ');
  return [lineOf((column) => column), ...rows.map((row) => lineOf((column) => row[column]))].join('\n');
}
