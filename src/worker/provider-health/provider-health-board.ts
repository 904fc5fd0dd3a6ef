import type { Logger } from 'pino';
import type { ProviderHealthRecord } from '../../domain/provider-health';
import type { ProviderName } from '../../domain/taxonomy';

/** Twice a second: with the write before it, every process knows within one second. */
const pollMs = 500;
/** A watch writes with every probe. When the next probe is overdue by this much, nobody watches any more. */
const overdueMs = 120_000;
/** While the database is away its last word counts, but not for longer than this. */
const memoryMs = 30_000;

export interface ProviderHealthBoardOptions {
  list: () => Promise<ProviderHealthRecord[]>;
  logger: Pick<Logger, 'warn'>;
  /** Called once when a provider that was down no longer is. */
  onUp: (provider: ProviderName) => void;
}

/**
 * This process's copy of what the watches found, read from the database twice a second. In doubt every provider is up:
 * a call that fails costs less than one that was never tried.
 */
export class ProviderHealthBoard {
  private down = new Map<ProviderName, ProviderHealthRecord>();
  private readAt = 0;
  private isReachable = true;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly options: ProviderHealthBoardOptions) {}

  /** Resolves after the first reading, or the first failure to read. */
  async start(): Promise<void> {
    await this.read();
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.start(), pollMs);
    this.timer.unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Since when the provider is known to be down, ISO 8601. */
  downSince(provider: ProviderName): string | undefined {
    const record = this.down.get(provider);
    if (record === undefined || Date.now() - this.readAt > memoryMs) return undefined;
    return isWatched(record) ? record.since : undefined;
  }

  private async read(): Promise<void> {
    try {
      const records = await this.options.list();
      this.readAt = Date.now();
      this.isReachable = true;
      this.replace(records.filter(({ state }) => state === 'down'));
    } catch (error) {
      if (this.isReachable)
        this.options.logger.warn({ err: error }, 'the health of providers cannot be read');
      this.isReachable = false;
    }
  }

  private replace(down: readonly ProviderHealthRecord[]): void {
    const before = this.down;
    this.down = new Map(down.map((record) => [record.provider, record]));
    for (const provider of before.keys()) if (!this.down.has(provider)) this.options.onUp(provider);
  }
}

/** A watch that was terminated leaves its last word behind. */
function isWatched({ nextProbeAt, since }: ProviderHealthRecord): boolean {
  return Date.now() - Date.parse(nextProbeAt ?? since) < overdueMs;
}
