import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ProviderApp } from '../domain/provider-health';

const tryAgainMs = 5000;

export interface AppRecordsOptions {
  /** Tells the database. Safe to repeat. */
  record: (apps: ProviderApp[]) => Promise<void>;
  logger: Pick<Logger, 'warn'>;
  /** Between two tries while the database is away, in ms. */
  againMs?: number;
}

/** What this worker hears of the providers' apps, kept until the database has it: nobody says it again for minutes. */
export class AppRecords {
  private readonly untold = new Map<string, ProviderApp>();
  private isReady = false;
  private isWriting = false;

  constructor(private readonly options: AppRecordsOptions) {}

  /** The database has its tables. */
  start(): void {
    this.isReady = true;
    this.write();
  }

  /** The newest word on an app counts. Never waits, never throws. */
  note(app: ProviderApp): void {
    this.untold.set(`${app.provider}/${app.app}`, app);
    this.write();
  }

  private write(): void {
    if (this.isReady && !this.isWriting) void this.drain();
  }

  private async drain(): Promise<void> {
    const { record, logger, againMs = tryAgainMs } = this.options;
    this.isWriting = true;
    while (this.untold.size > 0) {
      const told = [...this.untold];
      try {
        await record(told.map(([, app]) => app));
        for (const [key, app] of told) if (this.untold.get(key) === app) this.untold.delete(key);
      } catch (error) {
        logger.warn({ err: error }, 'which apps take named jobs could not be stored yet');
        await sleep(againMs, undefined, { ref: false });
      }
    }
    this.isWriting = false;
  }
}
