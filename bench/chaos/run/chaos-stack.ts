import path from 'node:path';
import { projectDirectory } from '../../../src/stack/project-directory';
import { readStackFile } from '../../../src/stack/stack-file';
import { startLocalStack } from '../../../test/support/local-stack';
import type { KillTarget } from '../work/plan-disruptions';

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
  /** Calls the emulator's control API. @throws Error when it refuses. */
  control: (method: string, path: string, body?: object) => Promise<unknown>;
  /** Process id as `stack.json` has it now; `undefined` while the process is being restarted. */
  pid(target: KillTarget): number | undefined;
  stop(): Promise<void>;
}

/** Where a run keeps its data when nothing else is said. */
export const chaosDirectory = path.join(projectDirectory, 'data', 'chaos');

/** Starts the whole service on free ports, as `npm start` does. */
export async function startChaosStack(options: ChaosStackOptions): Promise<ChaosStack> {
  const stack = await startLocalStack({
    dataDirectory: options.dataDirectory,
    fresh: true,
    environment: {
      EMULATOR_TIME_SCALE: String(options.timeScale),
      EMULATOR_SEED: String(options.seed),
      // The pod serves nothing else.
      NSFW_ENABLED: 'true',
      // An outage of seconds stands for one of hours.
      PARKING_INITIAL_SECONDS: '2',
      PARKING_MAX_SECONDS: '15',
    },
  });
  return {
    api: stack.description.api,
    control: (method, route, body) => stack.control(method, route, body),
    pid: (target) => readStackFile(options.dataDirectory)?.pids[target],
    stop: () => stack.stop(),
  };
}
