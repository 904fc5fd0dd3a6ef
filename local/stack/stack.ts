import { rmSync } from 'node:fs';
import path from 'node:path';
import { providerNames } from '../../src/domain/taxonomy';
import { buildPrograms } from './build-programs';
import { requireFreePorts } from './busy-ports';
import {
  emptyDataDirectory,
  makeDataDirectory,
  recordProviderMode,
  requireOwnDirectory,
  requireProviderMode,
} from './data-directory';
import { errorMessage } from './error-message';
import { endLeftoverProcesses } from './leftover-processes';
import { readStackFile, removeStackFile, writeStackFile, type StackDescription } from './stack-file';
import type { StackOptions } from './stack-options';
import { planStack, type StackPlan } from './stack-plan';
import { createSupervisor, processRecordFile, type Supervisor } from './supervisor';
import { resolveTemporalCli } from './temporal-cli';
import { registerSearchAttributes, temporalProblem } from './temporal-server';
import { tryLock, unlock } from './with-file-lock';

/** Thrown when the data directory already belongs to a running stack. */
export class StackRunningError extends Error {
  override readonly name = 'StackRunningError';
}

/** Thrown when a configured Temporal server cannot be used. */
export class TemporalUnreachableError extends Error {
  override readonly name = 'TemporalUnreachableError';
}

/** The whole service on this machine: database, Temporal server, emulated providers, worker and API. */
export class Stack {
  private supervisor: Supervisor | undefined;
  private locked = false;
  private stopped: Promise<void> | undefined;
  private setUpMs = 0;
  private cli: string | undefined;

  constructor(private readonly options: StackOptions) {}

  /**
   * Resolves when everything is ready and `stack.json` is written.
   *
   * @throws with a message for people when it cannot be started; call `stop` then.
   */
  async start(): Promise<StackDescription> {
    const { options } = this;
    const plan = await this.prepare();
    const settingUpSince = Date.now();
    const [temporalCli, build] = await Promise.all([
      this.readyTemporal(plan),
      buildPrograms(options.projectDirectory, (line) => options.logger.info(line)),
    ]);
    this.setUpMs = Date.now() - settingUpSince;
    this.cli = temporalCli;
    if (this.stopped !== undefined) throw new Error('stopped before it was ready');
    const describe = (): StackDescription => this.describe(plan);
    this.supervisor = createSupervisor({
      services: plan.services({ temporalCli, build }),
      dataDirectory: options.dataDirectory,
      logger: options.logger,
      onChange: () => writeStackFile(options.dataDirectory, describe()),
    });
    await this.supervisor.start();
    writeStackFile(options.dataDirectory, describe());
    return describe();
  }

  /** Stops everything in reverse order; calls in flight get their grace. Resolves when all is gone. */
  stop(): Promise<void> {
    this.stopped ??= this.takeDown();
    return this.stopped;
  }

  /** Seconds of `start` that went into getting a Temporal server and our own programs, which may mean building them. */
  setUpSeconds(): number {
    return this.setUpMs / 1000;
  }

  /** Path of the Temporal CLI whose server this stack runs; `undefined` with a configured server, and before `start`. */
  temporalCli(): string | undefined {
    return this.cli;
  }

  /** Ends everything at once; jobs in flight go on at the next start. */
  kill(): void {
    this.supervisor?.kill();
  }

  private async prepare(): Promise<StackPlan> {
    const { options } = this;
    const { dataDirectory, fresh = false } = options;
    const plan = planStack(options);
    if (fresh) requireOwnDirectory(dataDirectory);
    makeDataDirectory(dataDirectory);
    this.lock();
    removeStackFile(dataDirectory);
    await this.endLeftovers();
    requireProviderMode(dataDirectory, plan.providers.mode);
    if (fresh) emptyDataDirectory(dataDirectory);
    await requireFreePorts(plan.wantedPorts);
    recordProviderMode(dataDirectory, plan.providers.mode);
    reportProviders(plan, options);
    return plan;
  }

  private async endLeftovers(): Promise<void> {
    const { dataDirectory, logger } = this.options;
    const ended = await endLeftoverProcesses(processRecordFile(dataDirectory));
    if (ended.length > 0) logger.warn(`ended what an earlier stack had left: ${ended.join(', ')}`);
  }

  private lock(): void {
    const { dataDirectory } = this.options;
    const holder = tryLock(lockFile(dataDirectory));
    if (holder !== undefined) throw new StackRunningError(runningMessage(dataDirectory, holder));
    this.locked = true;
  }

  /** Makes sure of a server: a configured one must answer; for our own the program is found, if need be built. */
  private async readyTemporal({ runsTemporal, temporal }: StackPlan): Promise<string | undefined> {
    const { logger, environment } = this.options;
    if (runsTemporal) {
      logger.info('temporal: no server is configured; looking for the Temporal CLI');
      return await resolveTemporalCli({ environment, report: (line) => logger.info(line) });
    }
    logger.info(`temporal: using the configured server ${temporal.address}, namespace ${temporal.namespace}`);
    const problem = await temporalProblem(temporal);
    if (problem !== undefined) {
      throw new TemporalUnreachableError(
        `The configured Temporal server ${temporal.address} cannot be used: ${problem}`,
      );
    }
    await registerSearchAttributes(temporal).catch((error: unknown) => {
      const reason = errorMessage(error);
      logger.warn(
        `temporal: search attributes could not be registered, generations may not start: ${reason}`,
      );
    });
    return undefined;
  }

  private describe({ reported, temporal, temporalUi }: StackPlan): StackDescription {
    const { address, namespace } = temporal;
    const pids = { supervisor: process.pid, ...this.supervisor?.pids() };
    return { ...reported, temporal: address, namespace, temporalUi, pids };
  }

  private async takeDown(): Promise<void> {
    const { dataDirectory } = this.options;
    if (!this.locked) return;
    removeStackFile(dataDirectory);
    await this.supervisor?.stop();
    removeStackFile(dataDirectory);
    rmSync(processRecordFile(dataDirectory), { force: true });
    unlock(lockFile(dataDirectory));
  }
}

function lockFile(dataDirectory: string): string {
  return path.join(dataDirectory, 'stack.lock');
}

function runningMessage(dataDirectory: string, pid: number): string {
  const running = readStackFile(dataDirectory);
  if (running === undefined)
    return `A stack is already being started or stopped on ${dataDirectory} (pid ${pid}).`;
  return [
    `A stack already runs on ${dataDirectory} (pid ${pid}):`,
    `  API          ${running.api}`,
    `  Temporal UI  ${running.temporalUi ?? '(of the configured server)'}`,
    'Stop it with Ctrl-C, or start another one with --data-dir <directory> --port-base <port>.',
  ].join('\n');
}

function reportProviders({ providers }: StackPlan, { logger, environment }: StackOptions): void {
  if (providers.mode === 'emulated') {
    const isAsked = environment['PROVIDERS'] === 'emulated';
    const reason = isAsked ? 'PROVIDERS=emulated' : 'no real credential is set';
    logger.info(`providers: all emulated, since ${reason}`);
    return;
  }
  logger.info('providers: real');
  for (const name of providerNames) {
    const reason = providers.disabledReasons[name];
    if (reason !== undefined) logger.warn(`provider ${name} is disabled: ${reason}`);
  }
}
