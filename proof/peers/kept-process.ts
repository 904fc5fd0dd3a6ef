import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** How a process is started, and how it is known to work. */
export interface ProcessPlan {
  name: string;
  file: string;
  args: readonly string[];
  environment: NodeJS.ProcessEnv;
  isUp: () => Promise<boolean>;
}

/** Longest a killed process needs to work again. */
const upMs = 60_000;

/** Wait after a run that was shorter; after a longer one there is none, as with the supervisor of the real stack. */
const restartMs = 500;

/** A process that is started again whenever it dies. */
export class KeptProcess {
  readonly #plan: ProcessPlan;
  #child: ChildProcess | undefined;
  #isStopping = false;

  constructor(plan: ProcessPlan) {
    this.#plan = plan;
    this.#start();
    process.once('exit', () => this.stop());
  }

  /** @throws Error when it does not work within a minute. */
  async untilUp(): Promise<void> {
    const { name, isUp } = this.#plan;
    const giveUpAt = Date.now() + upMs;
    while (this.#child === undefined || !(await isUp())) {
      if (Date.now() > giveUpAt) throw new Error(`${name} did not come up within ${upMs / 1000} s`);
      await delay(50);
    }
  }

  /** Ends it with SIGKILL, as soon as it is up. */
  async kill(): Promise<string> {
    await this.untilUp();
    this.#child?.kill('SIGKILL');
    return this.#plan.name;
  }

  stop(): void {
    this.#isStopping = true;
    this.#child?.kill('SIGKILL');
  }

  #start(): void {
    if (this.#isStopping) return;
    const { file, args, environment } = this.#plan;
    const child = spawn(file, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#child = child;
    const startedAt = Date.now();
    child.once('exit', () => {
      this.#child = undefined;
      const isRow = Date.now() - startedAt < restartMs;
      setTimeout(() => this.#start(), isRow ? restartMs : 0);
    });
  }
}
