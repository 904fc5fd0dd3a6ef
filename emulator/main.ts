import { pino } from 'pino';
import sharp from 'sharp';
import { InvalidOption, readOptions } from './options';
import { PortTaken, startEmulator, type RunningEmulator } from './start-emulator';

/** Runs the emulator as a process of its own: one line of JSON on stdout when all four ports listen. */
async function main(): Promise<void> {
  const { logLevel, ...options } = readOptions(process.env);
  const logger = pino({ name: 'emulator', level: logLevel }, pino.destination(2));
  // Every picture is drawn once: libvips would only keep them in memory.
  sharp.cache(false);
  const emulator = await startEmulator({ ...options, logger });
  stopWithProcess(emulator);
  process.stdout.write(`${JSON.stringify({ ready: true, ...emulator.urls })}\n`);
}

function stopWithProcess(emulator: RunningEmulator): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void emulator.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Only a parent that opened a channel to us can lose it: an emulator must not outlive its supervisor.
  process.once('disconnect', stop);
}

main().catch((error: unknown) => {
  const known = error instanceof PortTaken || error instanceof InvalidOption;
  process.stderr.write(`${known ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
  process.exit(1);
});
