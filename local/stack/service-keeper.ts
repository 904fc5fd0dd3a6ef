import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { errorMessage } from './error-message';
import { ServiceStartError, type Service } from './service';
import type { ServiceLog } from './service-log';
import { launchService, type ServiceProcess } from './service-process';
import { StandbyProcess } from './standby-process';

/** Waits between restarts of one service, milliseconds. The first restart is at once; only a row of them waits. */
export interface RestartBackoff {
  /** Before the second restart of a row; doubled for each further one. */
  initialMs: number;
  maximumMs: number;
  /** A run that was ready for at least this long ends the row. */
  stableMs: number;
  /** From the moment a run is ready to the start of the process that stands by for the next one: its work comes first. */
  standbyAfterMs: number;
}

export const defaultRestartBackoff: RestartBackoff = {
  initialMs: 500,
  maximumMs: 10_000,
  stableMs: 5_000,
  standbyAfterMs: 1_000,
};

export interface ServiceKeeperOptions {
  service: Service;
  log: ServiceLog;
  logger: Logger;
  backoff: RestartBackoff;
  /** Called after each spawn and each exit. */
  onChange: () => void;
}

/** Starts one service and restarts it whenever it dies, until it is stopped; from a process that stands by, if it has one. */
export class ServiceKeeper {
  private readonly stopping = new AbortController();
  private current: ServiceProcess | undefined;
  private loop: Promise<void> = Promise.resolve();
  private readonly standby: StandbyProcess;

  constructor(private readonly options: ServiceKeeperOptions) {
    const { service, log, onChange, backoff } = options;
    this.standby = new StandbyProcess({ service, log, onChange, againMs: backoff.maximumMs });
  }

  get name(): string {
    return this.options.service.name;
  }

  /** Process id of the present run; `undefined` between two runs. */
  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** Process id of the one that stands by. */
  get standbyPid(): number | undefined {
    return this.standby.pid;
  }

  /** Resolves when the service is ready for the first time. @throws ServiceStartError when it is not. */
  async start(): Promise<void> {
    const startedAt = Date.now();
    const run = await this.launch();
    this.options.logger.info(`${this.name} is ready (pid ${run.pid}, ${seconds(Date.now() - startedAt)})`);
    this.loop = this.keepAlive(run);
  }

  /** Ends the service; resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping.abort(new ServiceStartError(`${this.name} was stopped before it was ready`));
    await Promise.all([this.current?.stop(), this.standby.end()]);
    await this.loop;
  }

  kill(): void {
    this.stopping.abort(new ServiceStartError(`${this.name} was killed`));
    this.standby.kill();
    this.current?.kill();
  }

  /** A method, because it changes while we wait. */
  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private async keepAlive(first: ServiceProcess): Promise<void> {
    const { logger, backoff } = this.options;
    let run: ServiceProcess | undefined = first;
    let failures = 0;
    while (!this.isStopping()) {
      const startedAt = Date.now();
      const ending: string = run === undefined ? '(it did not become ready)' : await this.ending(run);
      if (this.isStopping()) return;
      if (run !== undefined && Date.now() - startedAt >= backoff.stableMs) failures = 0;
      const waitMs =
        failures === 0 ? 0 : Math.min(backoff.initialMs * 2 ** (failures - 1), backoff.maximumMs);
      failures += 1;
      const when = waitMs === 0 ? 'at once' : `in ${seconds(waitMs)}`;
      logger.warn(`${this.name} died ${ending}; restarting it ${when}`);
      run = await this.relaunch(waitMs);
    }
  }

  private async ending(run: ServiceProcess): Promise<string> {
    const ending = await run.exited;
    await run.silent;
    const fatal = this.options.log.fatal();
    return fatal === undefined ? `(${ending})` : `(${ending}): ${fatal}`;
  }

  private async relaunch(waitMs: number): Promise<ServiceProcess | undefined> {
    const { logger } = this.options;
    try {
      await delay(waitMs, undefined, { signal: this.stopping.signal });
      const run = await this.launch();
      logger.info(`${this.name} is back (pid ${run.pid})`);
      return run;
    } catch (error) {
      if (!this.isStopping()) logger.error(errorMessage(error));
      return undefined;
    }
  }

  private async launch(): Promise<ServiceProcess> {
    const { backoff, onChange } = this.options;
    const run = (await this.standby.take()) ?? (await this.launchAnew());
    this.current = run;
    if (this.isStopping()) {
      await run.stop();
      this.stopping.signal.throwIfAborted();
    }
    onChange();
    void run.exited.then(() => {
      if (this.current === run) this.current = undefined;
      onChange();
    });
    await this.untilReady(run);
    this.standby.readyIn(backoff.standbyAfterMs);
    return run;
  }

  private async launchAnew(): Promise<ServiceProcess> {
    const { service, log } = this.options;
    const program = await service.prepare().catch((error: unknown) => {
      throw new ServiceStartError(`${this.name} cannot start: ${errorMessage(error)}`, { cause: error });
    });
    this.stopping.signal.throwIfAborted();
    return await launchService(service, program, log).catch((error: unknown) => {
      throw new ServiceStartError(`${this.name} cannot start: ${errorMessage(error)}`, { cause: error });
    });
  }

  private async untilReady(run: ServiceProcess): Promise<void> {
    const { service, log } = this.options;
    const over = new AbortController();
    const onStop = (): void => over.abort(this.stopping.signal.reason);
    this.stopping.signal.addEventListener('abort', onStop, { once: true });
    const tooLate = new ServiceStartError(
      `${this.name} was not ready after ${seconds(service.readyTimeoutMs)}`,
    );
    const timer = setTimeout(() => over.abort(tooLate), service.readyTimeoutMs);
    const died = run.exited.then(async (ending) => {
      await run.silent;
      const reason = log.lastWords();
      const because = reason === '' ? '' : `: ${reason}`;
      throw new ServiceStartError(`${this.name} died before it was ready (${ending})${because}`);
    });
    try {
      await Promise.race([service.waitUntilReady(run.readyLine, over.signal), died, rejectOn(over.signal)]);
    } catch (error) {
      await run.stop();
      throw this.startError(error, log);
    } finally {
      clearTimeout(timer);
      this.stopping.signal.removeEventListener('abort', onStop);
      // Ends a poll that is still going on when the process has died.
      over.abort();
    }
  }

  private startError(error: unknown, log: ServiceLog): ServiceStartError {
    const stopped: unknown = this.stopping.signal.reason;
    if (stopped instanceof ServiceStartError) return stopped;
    const message = errorMessage(error);
    const lines = log.tail();
    const isTold = !lines.includes('\n') && message.endsWith(log.lastWords());
    const text = `${message.replace(/\.$/, '')}. Log: ${log.file}${isTold ? '' : `\n${lines}`}`;
    return new ServiceStartError(text, { cause: error });
  }
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(errorMessage(reason));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
