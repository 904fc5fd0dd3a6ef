import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { projectDirectory } from '../../../local/stack/project-directory';
import { Stack } from '../../../local/stack/stack';
import { freeStackPorts } from '../../../local/stack/stack-options';
import { readStackFile, type StackDescription } from '../../../local/stack/stack-file';
import type { KillTarget } from '../work/plan-disruptions';
import { limitedCaller } from '../work/plan-work';
import { controlOf, type Control } from './control';
import { startTcpProxy } from './tcp-proxy';

export interface ChaosStackOptions {
  /** Absolute; everything in it is removed first. */
  dataDirectory: string;
  timeScale: number;
  seed: number;
  /** The Modal apps know nothing of named jobs, and nobody asks them. */
  plainModal: boolean;
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
  /**
   * Cuts the second worker off from Temporal; `isCut` false lets it through again. The worker itself runs on.
   *
   * @returns the process that was cut off; `undefined` where this design has no such connection.
   */
  partition(isCut: boolean): Promise<string | undefined>;
  stop(): Promise<void>;
}

const secondWorker: KillTarget = 'worker-2';

/** Where a run keeps its data when nothing else is said. */
export const chaosDirectory = path.join(projectDirectory, 'data', 'chaos');

/** Starts the whole service on free ports, as `npm start` does. */
export async function startChaosStack(options: ChaosStackOptions): Promise<ChaosStack> {
  const watch = new RestartWatch();
  const ports = await freeStackPorts();
  const proxy = await startTcpProxy(ports.temporal);
  const stack = new Stack({
    projectDirectory,
    dataDirectory: options.dataDirectory,
    ports,
    workers: 2,
    workerEnvironments: { [secondWorker]: { TEMPORAL_ADDRESS: proxy.address } },
    environment: environmentOf(options),
    logger: pino({ level: 'info' }, watch.log),
    fresh: true,
  });
  let isCut = false;
  try {
    const description = await stack.start();
    return {
      api: description.api,
      control: controlOf(description.emulator?.control ?? ''),
      // The worker that is cut off could not come back: the other one is killed in its place.
      kill: (target) =>
        killWhenUp(isCut && target === secondWorker ? 'worker' : target, options.dataDirectory, watch),
      async partition(cut) {
        if (cut) await watch.untilUp(secondWorker);
        isCut = cut;
        proxy.cut(cut);
        return secondWorker;
      },
      async stop() {
        // A worker drains only while it is heard.
        proxy.cut(false);
        await stack.stop();
        await proxy.close();
      },
    };
  } catch (error) {
    await stack.stop();
    await proxy.close();
    throw error;
  }
}

function environmentOf({ timeScale, seed, plainModal }: ChaosStackOptions): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PROVIDERS: 'emulated',
    EMULATOR_TIME_SCALE: String(timeScale),
    EMULATOR_SEED: String(seed),
    // The pod serves nothing else.
    NSFW_ENABLED: 'true',
    MODAL_NAMED_JOBS: plainModal ? 'off' : 'required',
    EMULATOR_MODAL_JOBS: plainModal ? 'plain' : 'named',
    DAILY_LIMITS_USD: JSON.stringify({ [limitedCaller.name]: limitedCaller.dailyLimitUsd }),
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
