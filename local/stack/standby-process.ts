import type { Service } from './service';
import type { ServiceLog } from './service-log';
import { launchService, type ServiceProcess } from './service-process';

export interface StandbyProcessOptions {
  service: Service;
  log: ServiceLog;
  /** Waited before another is started in the place of one that died while it stood by, milliseconds. */
  againMs: number;
  /** Called after each spawn and each exit. */
  onChange: () => void;
}

/**
 * One more process of a service, loaded and waiting, for when the present one dies. A start takes a second or two of
 * processor time, which beside other load are many seconds; a process that stands by needs next to none.
 */
export class StandbyProcess {
  private process: ServiceProcess | undefined;
  private launching: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(private readonly options: StandbyProcessOptions) {}

  /** `undefined` while none stands by. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Starts one after so many milliseconds, unless one is there or the service has none. */
  readyIn(ms: number): void {
    if (this.options.service.standbyArgs === undefined || this.isOver || this.process !== undefined) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.launching = this.launch();
    }, ms).unref();
  }

  /** The process that stands by, told to begin; it may still be loading. `undefined`: there is none. */
  async take(): Promise<ServiceProcess | undefined> {
    clearTimeout(this.timer);
    await this.launching;
    const taken = this.process;
    this.process = undefined;
    taken?.begin();
    return taken;
  }

  /** Ends it at once: it has no work to finish. Resolves when it is gone. */
  async end(): Promise<void> {
    this.kill();
    await this.launching;
    const { process } = this;
    process?.kill();
    await process?.exited;
  }

  kill(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.process?.kill();
  }

  private async launch(): Promise<void> {
    const { service, log, againMs, onChange } = this.options;
    try {
      const process = await launchService(service, await service.prepare(), log, true);
      this.process = process;
      onChange();
      void process.exited.then(() => {
        onChange();
        if (this.process !== process) return;
        this.process = undefined;
        this.readyIn(againMs);
      });
    } catch {
      // The start that needs it will say what is wrong.
      this.readyIn(againMs);
    }
  }
}
