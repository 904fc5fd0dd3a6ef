import type { Account } from './postgres-account';

/** One child process of the stack. */
export interface Service {
  /** Also the name of its log file and its key in the list of process ids. */
  name: string;
  /** Called before every start, also before a restart. */
  prepare(): Promise<ServiceProgram>;
  /**
   * Resolves when the service can be used. `readyLine` is its first line on standard output (parsed JSON with
   * `ready: true`) and stays pending for programs that print none.
   */
  waitUntilReady(readyLine: Promise<unknown>, signal: AbortSignal): Promise<void>;
  /**
   * Arguments with which it loads everything and waits for a line of input before it begins. A process so started stands
   * by while the service runs. Left out: none does.
   */
  standbyArgs?: readonly string[];
  /** Asks the program to end; SIGKILL follows `stopGraceMs` later. */
  stopSignal: NodeJS.Signals;
  stopGraceMs: number;
  readyTimeoutMs: number;
  /** Lines of its log that are shown to the person at the terminal. */
  showFrom: 'warn' | 'error';
  /** Messages of its log that are not shown: they say nothing that a person need know. */
  leftOut?: ReadonlySet<string>;
}

export interface ServiceProgram {
  file: string;
  args: readonly string[];
  cwd: string;
  environment: NodeJS.ProcessEnv;
  /** Another account to run under; only root can ask for that. */
  account?: Account | undefined;
}

/** Thrown when a service does not become ready at the first start of the stack. */
export class ServiceStartError extends Error {
  override readonly name = 'ServiceStartError';
}
