import { Command, InvalidArgumentError, Option } from 'commander';
import type { Evidence } from './analysis/evidence';

export interface ChaosOptions {
  images: number;
  kills: number;
  seed: number;
  policies: Evidence['policy'][];
  timeScale: number;
  minutes: number;
  plainModal: boolean;
  peers: boolean;
  json: boolean;
}

/** Reads the command line of `npm run chaos`. Prints help or the mistake and ends the process where commander does. */
export function parseChaosOptions(argv: readonly string[]): ChaosOptions {
  const raw = new Command('npm run chaos --')
    .description(
      'Runs images of all flows through a private stack while it kills processes, cuts connections and takes emulated ' +
        'providers down, then compares what was delivered and reported with what the providers accepted and charged.',
    )
    .option('--images <n>', 'pictures to ask for', positive, 60)
    .option('--kills <n>', 'kill -9 of a worker, the API, the Temporal server or PostgreSQL', wholeNumber, 6)
    .option('--seed <n>', 'decides requests, faults and the schedule', wholeNumber, 1)
    .addOption(
      new Option('--policy <policy>', 'what jobs say about unknown outcomes')
        .choices(['resubmit', 'hold', 'both'])
        .default('both'),
    )
    .option('--time-scale <factor>', "seconds of the emulator per provider's second", scale, 0.05)
    .option('--minutes <n>', 'jobs that have not ended by then are stuck', positive, 20)
    .option('--plain-modal', 'Modal apps that know nothing of named jobs', false)
    .option('--peers', 'run the designs this one replaces through the same faults too', false)
    .option('--json', 'print one JSON document instead of tables', false)
    .allowExcessArguments(false)
    .parse(argv, { from: 'user' })
    .opts<Omit<ChaosOptions, 'policies'> & { policy: Evidence['policy'] | 'both' }>();
  const { policy, ...options } = raw;
  return { ...options, policies: policy === 'both' ? ['resubmit', 'hold'] : [policy] };
}

function wholeNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Use a whole number.');
}

function positive(text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Use a whole number above 0.');
}

function scale(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('Use a number above 0 and up to 1.');
}
