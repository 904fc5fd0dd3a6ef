import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { projectDirectory } from '../../../src/stack/project-directory';
import { Stack } from '../../../src/stack/stack';
import { freeStackPorts } from '../../../src/stack/stack-options';
import { readStackFile, type StackDescription } from '../../../src/stack/stack-file';
import type { KillTarget } from '../work/plan-disruptions';
import { controlOf, type Control } from './control';

export interface ChaosStackOptions {
  /** Absolute; everything in it is removed first. */
  dataDirectory: string;
  timeScale: number;
  seed: number;
}

/** A private stack whose processes may be killed. */
export interface ChaosStack {
  /** Base URL of the HTTP API. */
  api: string;
  control: Control;
  /**
   * Ends a process with SIGKILL, as soon as it is up.
   *
   * @returns the process that was ended; `undefined` where this design has none of the kind.
   * @throws Error when it does not come up.
   */
  kill(target: KillTarget): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Where a run keeps its data when nothing else is said. */
export const chaosDirectory = path.join(projectDirectory, 'data', 'chaos');

/** Starts the whole service on free ports, as `npm start` does. */
export async function startChaosStack(options: ChaosStackOptions): Promise<ChaosStack> {
  const watch = new RestartWatch();
  const stack = new Stack({
    projectDirectory,
    dataDirectory: options.dataDirectory,
    ports: await freeStackPorts(),
    environment: environmentOf(options),
    logger: pino({ level: 'info' }, watch.log),
    fresh: true,
  });
  try {
    const description = await stack.start();
    return {
      api: description.api,
      control: controlOf(description.emulator?.control ?? ''),
      kill: (target) => killWhenUp(target, options.dataDirectory, watch),
      stop: () => stack.stop(),
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

function environmentOf({ timeScale, seed }: ChaosStackOptions): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PROVIDERS: 'emulated',
    EMULATOR_TIME_SCALE: String(timeScale),
    EMULATOR_SEED: String(seed),
    // The pod serves nothing else.
    NSFW_ENABLED: 'true',
    // An outage of seconds stands for one of hours.
    PARKING_INITIAL_SECONDS: '2',
    PARKING_MAX_SECONDS: '15',
  };
}

/** Longest a killed process needs to be up again, with the supervisor's longest wait before. */
const upMs = 60_000;

async function killWhenUp(target: KillTarget, dataDirectory: string, watch: RestartWatch): Promise<string> {
  await watch.untilUp(target);
  const description: StackDescription | undefined = readStackFile(dataDirectory);
  const pid = description?.pids[target];
  if (pid === undefined) throw new Error(`stack.json does not name the process of ${target}`);
  watch.isDown(target);
  process.kill(pid, 'SIGKILL');
  return target;
}

/** Reads the supervisor's own log: only it knows when a restarted process is ready. */
class RestartWatch {
  readonly #down = new Map<string, { back: Promise<void>; resolve: () => void }>();
  readonly log = new Writable({
    write: (line: Buffer, _encoding, done) => {
      const back = /"msg":"([\w-]+) is back/.exec(line.toString())?.[1];
      if (back !== undefined) this.#isBack(back);
      done();
    },
  });

  isDown(name: string): void {
    let resolve: () => void = () => undefined;
    const back = new Promise<void>((done) => (resolve = done));
    this.#down.set(name, { back, resolve });
  }

  async untilUp(name: string): Promise<void> {
    const down = this.#down.get(name);
    if (down === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${name} did not come back within ${upMs / 1000} s`)), upMs);
    });
    await Promise.race([down.back, tooLate]).finally(() => clearTimeout(timer));
  }

  #isBack(name: string): void {
    this.#down.get(name)?.resolve();
    this.#down.delete(name);
  }
}
