import type { Logger } from 'pino';
import type { ProviderPause } from '../../domain/provider-health';
import type { ProviderName } from '../../domain/taxonomy';

/** Where every worker reads what one of them was told. */
export interface PauseRecords {
  pause(pause: ProviderPause): Promise<void>;
  pauses(): Promise<ProviderPause[]>;
}

/** Until when providers do not want to be called, as this process knows it: told to one call, kept to by all. */
export class ProviderPauses {
  private readonly until = new Map<ProviderName, number>();

  constructor(
    private readonly records: PauseRecords,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Milliseconds the provider still wants to be left alone; 0: call it. */
  remainingMs(provider: ProviderName): number {
    return Math.max(0, (this.until.get(provider) ?? 0) - Date.now());
  }

  /** The provider asked one call for this. */
  asked(provider: ProviderName, waitMs: number): void {
    const until = Date.now() + waitMs;
    if (until <= (this.until.get(provider) ?? 0)) return;
    this.until.set(provider, until);
    this.records.pause({ provider, until: new Date(until).toISOString() }).catch((error: unknown) => {
      this.logger.warn({ err: error, provider }, 'other workers do not know that a provider is busy');
    });
  }

  /** Takes in what other workers were told. @throws when the database is away */
  async read(): Promise<void> {
    for (const { provider, until } of await this.records.pauses()) {
      this.until.set(provider, Math.max(Date.parse(until), this.until.get(provider) ?? 0));
    }
  }
}
