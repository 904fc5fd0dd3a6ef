import path from 'node:path';
import { createConsoleLogger } from './stack/console-logger';
import { existingLogs } from './stack/data-directory';
import { createDemoClient } from './demo/demo-client';
import { demoEnvironment } from './demo/demo-environment';
import { DemoError } from './demo/demo-error';
import { type DemoOptions, parseDemoOptions } from './demo/demo-options';
import { type DemoReport, demoDocument, demoSummary } from './demo/demo-report';
import { runDemo } from './demo/run-demo';
import { writePictures } from './demo/write-pictures';
import { errorMessage } from './stack/error-message';
import { projectDirectory } from './stack/project-directory';
import { Stack } from './stack/stack';
import type { StackDescription } from './stack/stack-file';
import { freeStackPorts } from './stack/stack-options';
import { interruptedExitCode, stopRequested } from './stack/stop-on-signals';
import { type ProgressView, createLineView, createTableView } from './demo/progress-view';

/** `npm run demo`: the whole job on a stack of its own, from nothing to picture files. */
async function main(): Promise<number> {
  const startedAt = Date.now();
  const options = parseDemoOptions(process.argv.slice(2), path.join(projectDirectory, 'data', 'demo'));
  const level = process.env['LOG_LEVEL'] ?? 'info';
  const logger = createConsoleLogger(level);
  const { environment, ignored } = demoEnvironment(process.env);
  if (ignored.length > 0) logger.warn(`the demo has its own stack and leaves aside: ${ignored.join(', ')}`);
  const { dataDirectory } = options;
  const ports = await freeStackPorts();
  const stack = new Stack({ projectDirectory, dataDirectory, ports, environment, logger, fresh: true });
  const interrupted = new AbortController();
  const stopping = stopRequested(stack, logger).then(() => interrupted.abort(new DemoError('interrupted')));
  try {
    const urls = await orInterrupted(stack.start(), interrupted.signal);
    // A terminal shows the table instead; its lines must not be torn apart.
    if (process.stdout.isTTY) logger.level = 'error';
    const signal = interrupted.signal;
    const elapsedSeconds = (): number => (Date.now() - startedAt) / 1000 - stack.setUpSeconds();
    const report = await perform(urls, options, { elapsedSeconds, signal });
    logger.level = level;
    print(report, options);
    if (options.keep) await keep(urls, options, stopping);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return interruptedExitCode;
    printFailure(error, options);
    return 1;
  } finally {
    await stack.stop();
  }
}

async function perform(
  urls: StackDescription,
  options: DemoOptions,
  run: { elapsedSeconds: () => number; signal: AbortSignal },
): Promise<DemoReport> {
  const control = urls.emulator?.control;
  if (control === undefined) throw new DemoError('the stack runs without emulated providers');
  const client = createDemoClient({ api: urls.api, control });
  const view = await createProgressView(options);
  const flows = await runDemo({ client, view, signal: run.signal });
  const written = await writePictures(client, flows, options.dataDirectory);
  return { flows, ...written, elapsedSeconds: run.elapsedSeconds(), kept: options.keep };
}

function print(report: DemoReport, { json }: DemoOptions): void {
  process.stdout.write(
    json
      ? `${JSON.stringify(demoDocument(report), null, 2)}\n`
      : `\n${demoSummary(report, process.stdout.columns)}\n`,
  );
}

function printFailure(error: unknown, { json, dataDirectory }: DemoOptions): void {
  const reason = errorMessage(error);
  const logs = existingLogs(dataDirectory);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: reason, logs }, null, 2)}\n`);
  const hint = logs === undefined ? '' : ` (logs: ${logs})`;
  process.stderr.write(`\nThe demo failed: ${reason}${hint}\n`);
}

async function keep(
  urls: StackDescription,
  { dataDirectory }: DemoOptions,
  stopping: Promise<void>,
): Promise<void> {
  const where = path.join(dataDirectory, 'stack.json');
  process.stderr.write(`\nThe stack runs on: API ${urls.api}, all URLs in ${where}. Ctrl-C stops it.\n`);
  await stopping;
}

function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DemoError('interrupted')), { once: true });
    }),
  ]);
}

void main().then((code) => process.exit(code));

/** Lines of the largest table and its heading. Some terminals report less, or none at all. */
const tableRows = 12;

/** A table that changes in place on a terminal, lines elsewhere; on standard error when standard output carries JSON. */
async function createProgressView(options: { json: boolean }): Promise<ProgressView> {
  const stream = options.json ? process.stderr : process.stdout;
  const write = (text: string): void => void stream.write(text);
  if (options.json || !process.stdout.isTTY || process.stdout.rows < tableRows) return createLineView(write);
  // Only as an ES module, and only needed on a terminal.
  const { default: logUpdate } = await import('log-update');
  return createTableView({ draw: (text) => logUpdate(text), keep: () => logUpdate.done() }, write);
}
