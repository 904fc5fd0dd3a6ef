import { Command } from 'commander';
import path from 'node:path';

export interface DemoOptions {
  /** Print one JSON document on standard output instead of tables. */
  json: boolean;
  /** Leave the stack running until Ctrl-C. */
  keep: boolean;
  /** Absolute. */
  dataDirectory: string;
}

const help = `
Providers are always emulated here, whatever credentials are set, and a PostgreSQL of its own is used. Ports are free
ones, so it runs beside "npm start". Exit code 0 when every picture was made as promised, else 1 with the reason.

EMULATOR_TIME_SCALE (default 0.08) sets how long emulated providers take.`;

/** Reads the command line of `npm run demo`. Prints help or the mistake and ends the process where commander does. */
export function parseDemoOptions(argv: readonly string[], defaultDataDirectory: string): DemoOptions {
  const command = new Command('npm run demo --')
    .description(
      'Starts the whole stack, makes real picture files in all three flows, and shows what happened.',
    )
    .option('--json', 'print the result as one JSON document', false)
    .option('--keep', 'leave the stack running until Ctrl-C', false)
    .option(
      '--data-dir <directory>',
      'emptied at the start; holds pictures, contact sheets and logs',
      defaultDataDirectory,
    )
    .addHelpText('after', help)
    .allowExcessArguments(false);
  const { json, keep, dataDir } = command
    .parse(argv, { from: 'user' })
    .opts<{ json: boolean; keep: boolean; dataDir: string }>();
  return { json, keep, dataDirectory: path.resolve(dataDir) };
}
