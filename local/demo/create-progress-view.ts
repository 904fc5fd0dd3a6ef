import { createLineView, createTableView, type ProgressView } from './progress-view';

/** Lines of the largest table and its heading. Some terminals report less, or none at all. */
const tableRows = 12;

/** A table that changes in place on a terminal, lines elsewhere; on standard error when standard output carries JSON. */
export async function createProgressView(options: { json: boolean }): Promise<ProgressView> {
  const stream = options.json ? process.stderr : process.stdout;
  const write = (text: string): void => void stream.write(text);
  if (options.json || !process.stdout.isTTY || process.stdout.rows < tableRows) return createLineView(write);
  // Only as an ES module, and only needed on a terminal.
  const { default: logUpdate } = await import('log-update');
  return createTableView({ draw: (text) => logUpdate(text), keep: () => logUpdate.done() }, write);
}
